"""Real models hear the mean of both sides at a rate of their own."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.models.real.resample import mono_at


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_a_tone_in_the_middle_stays_and_one_at_the_sides_goes(rate_hz: int) -> None:
    time_N = np.arange(44_100) / 44_100
    middle_N, side_N = np.sin(2 * np.pi * 440 * time_N), np.sin(2 * np.pi * 1000 * time_N)
    mono_N = mono_at(np.stack([middle_N + side_N, middle_N - side_N]).astype(np.float32), rate_hz)
    assert mono_N.shape == (rate_hz,) and mono_N.dtype == np.float32
    expected_N = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    np.testing.assert_allclose(mono_N[500:-500], expected_N[500:-500], atol=1e-3)


@pytest.mark.parametrize("mix_CN", [np.zeros((2, 0)), np.zeros((1, 9)), np.full((2, 9), np.inf)])
def test_what_is_no_mix_is_refused(mix_CN: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a mix is finite \[2, N\]"):
        mono_at(mix_CN, 16_000)
