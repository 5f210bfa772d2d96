"""Loudness: the mix is measured as a whole, moved by one gain, and never pushed beyond its peak."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.audio.loudness import levelled, loudness_lufs
from tasks.audio.mix import encoded, mp3_bytes
from tasks.audio.read import read_bytes
from tests.every import every
from tests.tasks.tiny import RATE_HZ, tones_CN


def tone_CN(amplitude: float, seconds: float = 3.0) -> np.ndarray:
    wave_N = amplitude * np.sin(2 * np.pi * 997 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return np.stack([wave_N, wave_N]).astype(np.float32)


def test_loudness_follows_the_standard() -> None:
    """BS.1770: a 997 Hz tone of full scale on one side is -3.01 LUFS; both sides add 3.01 dB."""
    assert loudness_lufs(tone_CN(1.0)) == pytest.approx(0.0, abs=0.1)
    one_side_CN = tone_CN(1.0) * np.array([[1], [0]], np.float32)
    assert loudness_lufs(one_side_CN) == pytest.approx(-3.01, abs=0.1)


@every("amplitude", [0.01, 0.1])
def test_mix_reaches_the_loudness_and_keeps_its_sides_balance(amplitude: float) -> None:
    mix_CN = tone_CN(amplitude) * np.array([[1.0], [0.25]], np.float32)
    level = levelled(mix_CN, -14.0, 0.95)
    assert level.lufs == pytest.approx(-14.0)
    assert loudness_lufs(level.mix_CN) == pytest.approx(-14.0, abs=0.01)
    np.testing.assert_allclose(level.mix_CN[1], 0.25 * level.mix_CN[0], atol=1e-6)


def test_peaks_win_over_loudness_and_the_loudness_told_is_the_one_reached() -> None:
    mix_CN = tone_CN(0.01)
    mix_CN[:, 1000] = 0.9
    level = levelled(mix_CN, -14.0, 0.95)
    assert np.abs(level.mix_CN).max() == pytest.approx(0.95, abs=1e-6)
    assert level.lufs is not None and level.lufs < -30
    assert level.lufs == pytest.approx(loudness_lufs(level.mix_CN), abs=0.01)


@every("mix_CN", [np.zeros((2, RATE_HZ), np.float32), tone_CN(0.5, seconds=0.2)])
def test_a_mix_without_a_loudness_is_left_alone(mix_CN: np.ndarray) -> None:
    level = levelled(mix_CN, -14.0, 0.95)
    assert level.lufs is None
    np.testing.assert_array_equal(level.mix_CN, mix_CN)


def test_mp3_does_not_clip_even_where_the_mix_is_full() -> None:
    noise_CN = np.random.default_rng(0).uniform(-1, 1, (2, RATE_HZ)).astype(np.float32)
    square_CN = np.sign(tone_CN(1.0, seconds=1.0)).astype(np.float32)
    for mix_CN in (noise_CN, square_CN):
        decoded_CN, _ = read_bytes(mp3_bytes(mix_CN))
        assert 0.5 < np.abs(decoded_CN).max() <= 1
    assert mp3_bytes(noise_CN) == mp3_bytes(noise_CN)


@every(("ending", "error"), [("wav", 1e-4), ("flac", 1e-4), ("mp3", 0.1)])
def test_every_ending_is_written_as_what_it_says(ending: str, error: float) -> None:
    mix_CN = tones_CN(1.0)
    decoded_CN, rate = read_bytes(encoded(mix_CN, ending))  # type: ignore[arg-type]
    assert rate == RATE_HZ
    assert np.abs(decoded_CN[:, : mix_CN.shape[1]] - mix_CN).mean() < error
