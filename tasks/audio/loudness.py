"""Loudness of a mix in LUFS: one gain for both sides (`levelled`), so that the stereo picture stays; never beyond the peak limit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ

SHORTEST_S = 0.4
"""The gating block of ITU-R BS.1770; a shorter mix has no loudness."""


class Levelled(NamedTuple):
    """A mix after its gain, and the loudness it has now (None: silent, or too short to have one)."""

    mix_CN: np.ndarray
    lufs: float | None


def loudness_lufs(mix_CN: np.ndarray) -> float | None:
    """Integrated loudness of the whole mix (ITU-R BS.1770-4), or None where it has none."""
    import pyloudnorm

    if mix_CN.shape[1] < SHORTEST_S * SAMPLE_RATE_HZ:
        return None
    found = float(pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(mix_CN.T.astype(np.float64)))
    return found if np.isfinite(found) else None


def levelled(mix_CN: np.ndarray, target_lufs: float, peak: float) -> Levelled:
    """The mix at `target_lufs`, or as near as a largest magnitude of `peak` allows."""
    before = loudness_lufs(mix_CN)
    gain_db = 0.0 if before is None else target_lufs - before
    largest = float(np.abs(mix_CN).max(initial=0.0))
    if largest > 0:
        gain_db = min(gain_db, float(20 * np.log10(peak / largest)))
    after = None if before is None else before + gain_db
    return Levelled((mix_CN * 10 ** (gain_db / 20)).astype(np.float32), after)
