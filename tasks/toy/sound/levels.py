"""Levels of a voice and a band together: no peak too high, lossy coding included."""

from __future__ import annotations

import numpy as np

PEAK = 0.89  # lossy coding adds up to a tenth of full scale
VOCALS_RMS = 0.085


def within_peak(vocals_N: np.ndarray, band_CN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, turned down by one gain where either of them or their sum would exceed the peak."""
    loudest = max(_peak(vocals_N), _peak(band_CN), _peak(vocals_N + band_CN))
    if loudest > PEAK:
        gain = np.float32(PEAK / loudest)
        vocals_N, band_CN = vocals_N * gain, band_CN * gain
    return vocals_N, band_CN


def rms(audio: np.ndarray) -> float:
    """The root of the mean square over all samples."""
    return float(np.sqrt(np.square(audio).mean(dtype=np.float64)))


def _peak(audio: np.ndarray) -> float:
    return float(max(audio.max(), -audio.min()))
