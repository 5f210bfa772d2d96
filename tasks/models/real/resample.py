"""What real models listen to: one channel at a rate of their own."""

from __future__ import annotations

import numpy as np
import soxr

from jam_model.frames import SAMPLE_RATE_HZ


def mono_at(mix_CN: np.ndarray, rate_hz: int) -> np.ndarray:
    """The mean of the channels of a mix, resampled, float32 [N].

    Raises:
        ValueError: not [2, N] with N >= 1, or not finite.
    """
    if mix_CN.ndim != 2 or len(mix_CN) != 2 or not mix_CN.shape[1] or not np.isfinite(mix_CN).all():
        raise ValueError(f"a mix is finite [2, N] with N >= 1; got {list(mix_CN.shape)}")
    mono_N = mix_CN.mean(axis=0, dtype=np.float32)
    return np.ascontiguousarray(soxr.resample(mono_N, SAMPLE_RATE_HZ, rate_hz, quality="HQ"), np.float32)
