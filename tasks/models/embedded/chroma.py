"""Chroma of what is left of a mix without its voice, for chords and metre: the level of each pitch class at the latent frame rate, tuned.

The powers of both channels are added, so that what is opposite on both sides is not lost. Spectra are taken to thirds of a semitone, and what
stands out of its surroundings there is kept (drums and noise do not). The tuning is heard from all of a song.

Source: M. Mauch, S. Dixon, Approximate Note Transcription for the Improved Identification of Difficult Chords (ISMIR 2010), without its
non-negative least squares.

Shapes: N samples, T latent frames, K bins, B thirds of semitones, M notes, P pitch classes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import soxr

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, frames_of_samples
from tasks.models.embedded.spectra import power, stft
from tasks.models.embedded.tones import PITCH_CLASSES, midi_hz

if TYPE_CHECKING:
    import scipy.sparse

RATE_HZ = SAMPLE_RATE_HZ // 4
SIZE, HOP = 4096, HOP_SAMPLES // 4  # 372 ms, and a latent frame
LOW_MIDI, NUM_NOTES = 43, 49
PER_SEMITONE = 3
SURROUNDINGS = 2 * 6 * PER_SEMITONE + 1  # an octave, about each third
WIDTH_BINS = 1.2  # of a third's bell in the spectrum, at the least


def chroma_of(remainder_CN: np.ndarray) -> np.ndarray:
    """The pitch classes of a mix without its voice [2, N] at 44.1 kHz, float32 [T, P], each frame of norm 1 or all 0 where it is
    silent; T = N // 2048, frame t is heard about its middle.
    """
    import scipy.ndimage

    num_frames = frames_of_samples(remainder_CN.shape[1])
    low_CN = soxr.resample(np.ascontiguousarray(remainder_CN.T, np.float32), SAMPLE_RATE_HZ, RATE_HZ).T
    level_TK = np.sqrt(sum(power(stft(side_N, SIZE, HOP)) for side_N in low_CN))
    level_TB = np.sqrt(np.ascontiguousarray((bells() @ level_TK.T).T))
    out_TB = np.maximum(level_TB - scipy.ndimage.uniform_filter1d(level_TB, SURROUNDINGS, axis=1), 0)
    chroma_TP = _classes(_tuned(out_TB))[:num_frames]
    norm_T1 = np.linalg.norm(chroma_TP, axis=1, keepdims=True)
    return np.divide(chroma_TP, norm_T1, out=np.zeros_like(chroma_TP), where=norm_T1 > 0).astype(np.float32)


@cache
def bells() -> scipy.sparse.csr_array:
    """A bell over the bins for each third of a semitone, from one below `LOW_MIDI` on, sparse [B, K]."""
    import scipy.sparse

    thirds_B = LOW_MIDI + (np.arange(NUM_NOTES * PER_SEMITONE) - 1) / PER_SEMITONE
    centre_B1 = midi_hz(thirds_B)[:, None]
    bin_hz = RATE_HZ / SIZE
    width_B1 = np.maximum(centre_B1 * (2 ** (1 / (12 * PER_SEMITONE)) - 1), WIDTH_BINS * bin_hz) / 2
    away_BK = (np.arange(SIZE // 2 + 1) * bin_hz - centre_B1) / width_B1
    bell_BK = np.where(np.abs(away_BK) < 3, np.exp(-0.5 * away_BK**2), 0)
    return scipy.sparse.csr_array((bell_BK / bell_BK.sum(axis=1, keepdims=True)).astype(np.float32))


def _tuned(out_TB: np.ndarray) -> np.ndarray:
    """Moved by less than half a semitone, so that the middle third of each note is where most of it lies."""
    turns_B = np.exp(2j * np.pi * (np.arange(out_TB.shape[1]) - 1) / PER_SEMITONE)
    away = float(np.angle(out_TB.sum(axis=0) @ turns_B)) * PER_SEMITONE / (2 * np.pi)  # thirds
    places_B = np.arange(out_TB.shape[1]) + away
    below_B = np.clip(np.floor(places_B).astype(int), 0, out_TB.shape[1] - 2)
    share_B = np.clip(places_B - below_B, 0, 1).astype(np.float32)
    return out_TB[:, below_B] * (1 - share_B) + out_TB[:, below_B + 1] * share_B


def _classes(out_TB: np.ndarray) -> np.ndarray:
    notes_TM = out_TB.reshape(len(out_TB), NUM_NOTES, PER_SEMITONE).sum(axis=2)
    midi_M = LOW_MIDI + np.arange(NUM_NOTES)
    return np.stack(
        [notes_TM[:, midi_M % PITCH_CLASSES == p].sum(axis=1) for p in range(PITCH_CLASSES)], axis=1
    )
