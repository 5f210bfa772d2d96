"""Contour: whether a voice rises and falls with the melody that was asked for, though it may not hold its pitches.

Conventions: one pitch a frame on both sides, in MIDI numbers, NaN where there is none; measured are frames with both, whatever was decided about voice there. The
correlation is Pearson's, so another key and a narrower or wider range cost nothing, and a voice that wanders by itself is at 0; within three semitones is a
share of the frames with an asked pitch, and a frame in which none is heard is not within it. Octaves are not forgiven. A correlation of fewer than
MIN_FRAMES frames, or of a side that stays on one pitch, is no value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAR_SEMITONES = 3.0
MIN_FRAMES = 20  # a second of latent frames


@dataclass(frozen=True)
class ContourScores:
    """`correlation` in [-1, 1], `within` a share, `median_away` in semitones; None: of no frame."""

    correlation: float | None
    within: float | None
    median_away: float | None


def contour_scores(asked_midi_T: np.ndarray, midi_T: np.ndarray) -> ContourScores:
    """Of one song: the pitch that was asked for in each frame and the one that was heard.

    Raises:
        ValueError: not as many frames on both sides.
    """
    if len(asked_midi_T) != len(midi_T):
        raise ValueError(
            f"{len(asked_midi_T)} frames were asked for, {len(midi_T)} found; give one pitch a frame of both"
        )
    asked_T = np.isfinite(asked_midi_T)
    both_T = asked_T & np.isfinite(midi_T)
    away_K = np.abs(midi_T[both_T] - asked_midi_T[both_T])
    within = float((away_K < NEAR_SEMITONES).sum() / asked_T.sum()) if asked_T.any() else None
    return ContourScores(
        correlation=_correlation(asked_midi_T[both_T], midi_T[both_T]),
        within=within,
        median_away=float(np.median(away_K)) if len(away_K) else None,
    )


def _correlation(one_K: np.ndarray, other_K: np.ndarray) -> float | None:
    if len(one_K) < MIN_FRAMES or not one_K.std() or not other_K.std():
        return None
    return float(np.corrcoef(one_K, other_K)[0, 1])
