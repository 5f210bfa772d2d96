"""The pitch of the leading voice in a band: candidates by the salience of harmonic combs (partials), then the best path through time.

Shapes: F frames, K bins, P pitch candidates.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tasks.models.embedded.spectra import bin_hz

if TYPE_CHECKING:
    import scipy.sparse

LOWEST_HZ = 75.0
STEPS_PER_SEMITONE = 3
NUM_CANDIDATES = 96  # 75 to 471 Hz
HIGHEST_PARTIAL_HZ = 4000.0
NUM_PARTIALS = 16
BASS_HZ = (150.0, 300.0)  # the bass guitar lives below: bins fade in between these
JUMP_COST = 0.03  # of moving one candidate step from a frame to the next
MAX_JUMP_STEPS = 18
SILENCE = 0.1  # adds to the norm of the compressed spectrum, so that silence has no clarity


def candidates_hz() -> np.ndarray:
    """The frequency of each pitch candidate, [P]."""
    return LOWEST_HZ * 2 ** (np.arange(NUM_CANDIDATES) / (12 * STEPS_PER_SEMITONE))


@cache
def comb_bank(size: int) -> scipy.sparse.csr_array:
    """Comb of each candidate over the bins below 4 kHz, sparse [P, K]: cosine lobes that reward a partial
    and punish energy between partials, falling as 1 / sqrt(f) (after Camacho & Harris, SWIPE, 2008)."""
    import scipy.sparse

    hz_K = bin_hz(size)[: round(HIGHEST_PARTIAL_HZ * size / 44_100)].astype(np.float64)
    bank_PK = np.zeros((NUM_CANDIDATES, len(hz_K)))
    for index, pitch_hz in enumerate(candidates_hz()):
        partial_K = hz_K / pitch_hz
        inside_K = (partial_K > 0.25) & (partial_K < NUM_PARTIALS + 0.25)
        lobe_K = np.cos(2 * np.pi * partial_K)
        near_K = np.abs(partial_K - np.maximum(np.rint(partial_K), 1)) < 0.25
        comb_K = (
            np.where(near_K, lobe_K, np.minimum(lobe_K, 0) / 2)
            * inside_K
            / np.sqrt(np.maximum(hz_K, pitch_hz))
        )
        bank_PK[index] = comb_K / np.sqrt((np.maximum(comb_K, 0) ** 2).sum())
    return scipy.sparse.csr_array(bank_PK.astype(np.float32))


def track_pitch(magnitude_FK: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The pitch path through magnitude spectra of a transform of `size` (best 4096, hop 1024 or 2048).

    Returns:
        pitch_hz_F: 75 to 471 Hz in every frame, also where there is no voice (there the path moves on smoothly).
        clarity_F: how well the comb explains the frame, about 0 (silence, noise) to 0.8 (a clean vowel).
    """
    bank_PK = comb_bank(size)
    hz_K = bin_hz(size)[: bank_PK.shape[1]]
    fade_K = np.clip((hz_K - BASS_HZ[0]) / (BASS_HZ[1] - BASS_HZ[0]), 0, 1)
    compressed_FK = np.sqrt(magnitude_FK[:, : bank_PK.shape[1]]) * fade_K
    norm_F = np.sqrt((compressed_FK**2).sum(axis=1)) + SILENCE
    salience_FP = np.ascontiguousarray((bank_PK @ compressed_FK.T).T) / norm_F[:, None]
    path_F = _best_path(salience_FP)
    frames_F = np.arange(len(path_F))
    clarity_F = salience_FP[frames_F, path_F]
    below_F = salience_FP[frames_F, np.maximum(path_F - 1, 0)]
    above_F = salience_FP[frames_F, np.minimum(path_F + 1, NUM_CANDIDATES - 1)]
    curve_F = np.maximum(2 * clarity_F - below_F - above_F, 1e-6)
    offset_F = np.clip(0.5 * (above_F - below_F) / curve_F, -0.5, 0.5)  # peak of the parabola through three
    pitch_hz_F = LOWEST_HZ * 2 ** ((path_F + offset_F) / (12 * STEPS_PER_SEMITONE))
    return pitch_hz_F.astype(np.float32), np.clip(clarity_F, 0, 1).astype(np.float32)


def _best_path(salience_FP: np.ndarray) -> np.ndarray:
    """Viterbi: the candidate of each frame that maximises salience less the cost of moving."""
    steps_P = np.arange(NUM_CANDIDATES)
    cost_PP = JUMP_COST * np.minimum(np.abs(steps_P[:, None] - steps_P), MAX_JUMP_STEPS).astype(np.float32)
    num_frames = len(salience_FP)
    came_from_FP = np.zeros((num_frames, NUM_CANDIDATES), np.int64)
    score_P = salience_FP[0].copy() if num_frames else np.zeros(NUM_CANDIDATES, np.float32)
    for frame in range(1, num_frames):
        moved_PP = score_P - cost_PP
        came_from_FP[frame] = moved_PP.argmax(axis=1)
        score_P = moved_PP[steps_P, came_from_FP[frame]] + salience_FP[frame]
    path_F = np.zeros(num_frames, np.int64)
    if num_frames:
        path_F[-1] = score_P.argmax()
    for frame in range(num_frames - 1, 0, -1):
        path_F[frame - 1] = came_from_FP[frame, path_F[frame]]
    return path_F
