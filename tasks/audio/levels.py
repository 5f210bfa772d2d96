"""Levels of a mix: how much of it is silent, how much is flat at full scale.

Shapes: C channels, N samples, T frames of 10 ms.
"""

from __future__ import annotations

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ

FRAME_SAMPLES = SAMPLE_RATE_HZ // 100
FULL_SCALE = 0.999


def silence_share(mix_CN: np.ndarray, silence_db: float) -> float:
    """The share of 10 ms pieces below `silence_db`, re full scale."""
    return float((frame_power(mix_CN.mean(axis=0)) < 10 ** (silence_db / 10)).mean())


def clipped_share(mix_CN: np.ndarray) -> float:
    """The share of samples at full scale that follow another one there."""
    full_CN = np.abs(mix_CN) >= FULL_SCALE
    return float((full_CN[:, 1:] & full_CN[:, :-1]).mean())


def frame_power(audio_N: np.ndarray) -> np.ndarray:
    """Mean square of every whole 10 ms, [T]."""
    num_frames = len(audio_N) // FRAME_SAMPLES
    frames_TN = audio_N[: num_frames * FRAME_SAMPLES].reshape(num_frames, FRAME_SAMPLES)
    return np.square(frames_TN, dtype=np.float64).mean(axis=1)
