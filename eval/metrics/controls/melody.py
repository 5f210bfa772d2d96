"""Melody: whether the pitch (MIDI) of the leading voice is right, and whether frames are said to be voiced where there is one.

Conventions, those of mir_eval.melody with plain frames: one pitch a frame on both sides, in MIDI numbers; NaN is none. A pitch is right within less
than half a semitone. Raw pitch and raw chroma are shares of the frames with a true pitch, whatever was decided about voice there (raw chroma
forgives octaves); overall accuracy is a share of all frames: voiced with the right pitch, or rightly unvoiced. Where the share is of no frame
there is no value (mir_eval says 0).

Source: J. Salamon et al., Melody Extraction from Polyphonic Music Signals (IEEE Signal Processing Magazine 31, 2014); mir_eval 0.8.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE_SEMITONES = 0.5


@dataclass(frozen=True)
class MelodyScores:
    """Each a share; None: of no frame."""

    raw_pitch: float | None
    raw_chroma: float | None
    overall: float | None
    voicing_recall: float | None
    voicing_false_alarm: float | None


def melody_scores(true_midi_T: np.ndarray, midi_T: np.ndarray, voiced_T: np.ndarray) -> MelodyScores:
    """Of one song: the true pitch of each frame (NaN: nobody), the pitch that was heard there and whether it is said to be a voice.

    Raises:
        ValueError: not as many frames in all three.
    """
    if not len(true_midi_T) == len(midi_T) == len(voiced_T):
        raise ValueError(
            f"{len(true_midi_T)} true frames, {len(midi_T)} pitches, {len(voiced_T)} decisions; give one of each a frame"
        )
    sung_T = np.isfinite(true_midi_T)
    voiced_T = np.asarray(voiced_T, bool)
    away_T = np.abs(midi_T - true_midi_T)  # NaN where either is none, and NaN is within nothing
    right_T = away_T < TOLERANCE_SEMITONES
    right_class_T = np.abs(away_T - 12 * np.floor(away_T / 12 + 0.5)) < TOLERANCE_SEMITONES
    return MelodyScores(
        raw_pitch=_share(right_T[sung_T]),
        raw_chroma=_share(right_class_T[sung_T]),
        overall=_share(np.where(sung_T, right_T & voiced_T, ~voiced_T)),
        voicing_recall=_share(voiced_T[sung_T]),
        voicing_false_alarm=_share(voiced_T[~sung_T]),
    )


def _share(said: np.ndarray) -> float | None:
    return float(said.mean()) if len(said) else None
