"""The separator brings the voice forward, in stereo and in mono, and always the same way."""

from __future__ import annotations

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.models.embedded.spectra import istft, stft
from tasks.models.separator import build_separator
from tests.tasks.models.played import played

PARAMS = load_params().models.separator


def si_sdr_db(estimate_N: np.ndarray, truth_N: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al., 2019)."""
    estimate_N, truth_N = estimate_N.astype(np.float64), truth_N.astype(np.float64)
    target_N = truth_N * (estimate_N @ truth_N) / (truth_N @ truth_N)
    return float(10 * np.log10((target_N @ target_N) / ((estimate_N - target_N) @ (estimate_N - target_N))))


def gains_db() -> dict[str, list[float]]:
    separator = build_separator(PARAMS)
    gains: dict[str, list[float]] = {}
    for score, song in played(2):
        after = si_sdr_db(separator.separate(song.mix_CN), song.vocals_N)
        gains.setdefault(score.genre, []).append(after - si_sdr_db(song.mix_CN.mean(axis=0), song.vocals_N))
    return gains


def test_separator_gains_five_decibels_with_a_stereo_band_and_some_with_a_mono_one() -> None:
    gains = gains_db()
    mono = gains.pop("mono-blues")
    assert np.mean([gain for genre in gains.values() for gain in genre]) > 5
    assert min(np.mean(genre) for genre in gains.values()) > 4
    assert np.mean(mono) > 0.5


def test_vocals_are_mono_as_long_as_the_mix_and_the_same_twice() -> None:
    mix_CN = played(1)[0][1].mix_CN[:, :100_001]
    first_N, second_N = (build_separator(PARAMS).separate(mix_CN) for _ in range(2))
    assert first_N.shape == (100_001,) and first_N.dtype == np.float32
    assert first_N.tobytes() == second_N.tobytes()


def test_separating_does_not_touch_the_mix() -> None:
    mix_CN = played(1)[0][1].mix_CN[:, :50_000].copy()
    before = mix_CN.tobytes()
    build_separator(PARAMS).separate(mix_CN)
    assert mix_CN.tobytes() == before


def test_silence_stays_silence_and_a_side_only_sound_is_taken_away() -> None:
    separator = build_separator(PARAMS)
    assert not separator.separate(np.zeros((2, 30_000), np.float32)).any()
    tone_N = np.sin(np.arange(44_100) * 0.06).astype(np.float32)
    assert np.abs(separator.separate(np.stack([tone_N, -tone_N]))).max() < 0.01


@pytest.mark.parametrize("num_samples", [2048, 5000])
def test_a_very_short_mix_can_be_separated(num_samples: int) -> None:
    mix_CN = np.random.default_rng(0).uniform(-0.5, 0.5, (2, num_samples)).astype(np.float32)
    assert np.isfinite(build_separator(PARAMS).separate(mix_CN)).all()


@pytest.mark.parametrize(("size", "hop"), [(1024, 512), (4096, 1024)])
def test_unchanged_spectra_give_the_audio_back(size: int, hop: int) -> None:
    audio_N = np.random.default_rng(1).standard_normal(20_011).astype(np.float32)
    assert np.allclose(istft(stft(audio_N, size, hop), size, hop, len(audio_N)), audio_N, atol=1e-4)


def test_identity_is_known_without_building_and_unknown_models_are_refused() -> None:
    assert PARAMS.identity() == build_separator(PARAMS).identity
    assert PARAMS.identity().startswith("embedded/")
    with pytest.raises(ValueError, match="embedded"):
        build_separator(PARAMS.model_copy(update={"model": "demuks"}))
