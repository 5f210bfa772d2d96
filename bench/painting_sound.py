"""What painting is measured by (`bench/painting.py`): where songs are kept, how far kept seconds are off, and how a seam sounds.

Shapes: T latent frames, K spectrum frames (STEPS a latent frame), M bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import librosa
import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, seconds_of_frames
from jam_model.words import Word

STEPS = 4
"""Spectrum frames a latent frame."""
BANDS = 64
QUIET_DB = -12.0
"""Power of a band that counts as silence, some 60 dB below the loudest of these songs; one reference for all ways of making a song."""
SEAM = 3
"""Latent frames from a seam within which a kept frame is near it."""


def holes_in(num_frames: int, kept: float, holes: int, rng: np.random.Generator) -> np.ndarray:
    """Which frames are kept, boolean [T]: the share `kept`, around holes of equal length at drawn places."""
    outer = rng.uniform(0.5, 1.5, holes + 1)
    lengths = [kept * num_frames * one / outer.sum() for one in outer]
    inner = (1 - kept) * num_frames / holes
    bounds = np.cumsum([0.0, *(part for one in lengths for part in (one, inner))])
    mask_T = np.zeros(num_frames, bool)
    for number, (first, end) in enumerate(pairwise(bounds)):
        mask_T[round(first) : round(end)] = number % 2 == 0
    return mask_T


def seams_of(mask_T: np.ndarray) -> np.ndarray:
    """The first frame behind each seam."""
    return np.flatnonzero(np.diff(mask_T)) + 1


def spectrum(mix_CN: np.ndarray, num_frames: int) -> np.ndarray:
    """Mel bands of the mono mix in dB, silence at QUIET_DB, [M, K]."""
    power_MK = librosa.feature.melspectrogram(
        y=mix_CN.mean(axis=0),
        sr=SAMPLE_RATE_HZ,
        n_fft=HOP_SAMPLES,
        hop_length=HOP_SAMPLES // STEPS,
        n_mels=BANDS,
    )
    loudness_MK = librosa.power_to_db(power_MK, ref=1.0, top_db=None)[:, : STEPS * num_frames]
    return np.asarray(np.maximum(loudness_MK, QUIET_DB))


def apart(one_MK: np.ndarray, two_MK: np.ndarray, mask_T: np.ndarray) -> float | None:
    """Mean distance in dB within these latent frames; None where there are none."""
    mask_K = np.repeat(mask_T, STEPS)[: one_MK.shape[1]]
    return float(np.abs(one_MK - two_MK)[:, mask_K].mean()) if mask_T.any() else None


def near(mask_T: np.ndarray) -> np.ndarray:
    """The kept frames that are near a seam, boolean [T]."""
    near_T = np.zeros_like(mask_T)
    for seam in seams_of(mask_T):
        near_T[max(seam - SEAM, 0) : seam + SEAM] = True
    return near_T & mask_T


def jumps(spectrum_MK: np.ndarray) -> np.ndarray:
    """How much louder bands become beside each bound of latent frames, dB: the most from one spectrum frame to the next, from a latent
    frame before to one behind it, mean of the bands. [T - 1], of the bounds 1 to T - 1.
    """
    flux_K = np.maximum(np.diff(spectrum_MK, axis=1, prepend=spectrum_MK[:, :1]), 0).mean(axis=0)
    bounds = range(STEPS, len(flux_K) - STEPS + 1, STEPS)
    return np.array([flux_K[bound - STEPS : bound + STEPS + 1].max() for bound in bounds])


def steps(latent_TC: np.ndarray) -> np.ndarray:
    """How far each latent frame is from the one before, [T - 1]."""
    return np.asarray(np.sqrt(np.square(np.diff(latent_TC, axis=0)).mean(axis=1)))


def faded(latent_TC: np.ndarray, mask_T: np.ndarray) -> np.ndarray:
    """The latents with the made frame at each seam half way to its kept neighbour."""
    made_TC = latent_TC.copy()
    for seam in seams_of(mask_T):
        made, kept = (seam - 1, seam) if mask_T[seam] else (seam, seam - 1)
        made_TC[made] = (latent_TC[made] + latent_TC[kept]) / 2
    return made_TC


def words_in_holes(words: Sequence[Word], mask_T: np.ndarray) -> list[list[Word]]:
    """The words that lie wholly within each hole; none of a hole that has none."""
    bounds = [0, *seams_of(mask_T).tolist(), len(mask_T)]
    holes = [
        (seconds_of_frames(first), seconds_of_frames(end))
        for first, end in pairwise(bounds)
        if not mask_T[first]
    ]
    found = [
        [word for word in words if word.start_s >= first_s and word.end_s <= end_s]
        for first_s, end_s in holes
    ]
    return [words for words in found if words]
