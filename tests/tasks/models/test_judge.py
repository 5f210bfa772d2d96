"""The judge hears damage: true songs above noisy ones above untrained ones, smoothly."""

from __future__ import annotations

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.models.codec import VocoderCodec
from tasks.models.judge import AXES, Judge, build_judge
from tests.tasks.models.played import played, with_noise

PARAMS = load_params().models.judge


@pytest.fixture(scope="module")
def judge() -> Judge:
    return build_judge(PARAMS)


@pytest.fixture(scope="module")
def rewards(judge: Judge) -> dict[str, np.ndarray]:
    """Mean score of each kind of audio, for two songs of each genre."""
    codec, generator = VocoderCodec(), np.random.default_rng(11)
    found: dict[str, list[float]] = {}
    for _, song in played(2):
        latent_TC, _ = codec.encode(song.mix_CN)
        noise_TC = generator.standard_normal(latent_TC.shape)
        kinds = {
            "true": song.mix_CN,
            "noisy": with_noise(song.mix_CN, 10),
            "codec": codec.decode(latent_TC),
            "worse": codec.decode(latent_TC + 0.5 * noise_TC),
            "untrained": codec.decode(noise_TC),
        }
        for kind, audio_CN in kinds.items():
            found.setdefault(kind, []).append(float(judge.score(audio_CN).mean()))
    return {kind: np.array(scores) for kind, scores in found.items()}


def test_true_songs_rank_above_noisy_ones_above_untrained_ones(rewards: dict[str, np.ndarray]) -> None:
    right = (rewards["true"] > rewards["noisy"]) & (rewards["noisy"] > rewards["untrained"])
    assert right.mean() >= 0.9


def test_the_codec_lies_between_true_and_untrained(rewards: dict[str, np.ndarray]) -> None:
    right = (rewards["true"] > rewards["codec"]) & (rewards["codec"] > rewards["untrained"])
    assert right.mean() >= 0.9


def test_worse_latents_score_lower(rewards: dict[str, np.ndarray]) -> None:
    assert (rewards["codec"] > rewards["worse"]).mean() >= 0.9
    assert (rewards["worse"] > rewards["untrained"]).mean() >= 0.9


def test_codec_like_audio_is_not_saturated(rewards: dict[str, np.ndarray]) -> None:
    assert rewards["codec"].min() > 1.3 and rewards["codec"].max() < 4.7
    assert rewards["codec"].std() > 0.01


def test_a_little_more_damage_is_a_little_less_score(judge: Judge) -> None:
    codec, song = VocoderCodec(), played(1)[1][1]
    latent_TC, _ = codec.encode(song.mix_CN)
    noise_TC = np.random.default_rng(3).standard_normal(latent_TC.shape)
    scores = np.array(
        [judge.score(codec.decode(latent_TC + amount * noise_TC)).mean() for amount in np.arange(0, 0.8, 0.1)]
    )
    steps = np.diff(scores)
    assert scores[-1] < scores[0]
    assert np.abs(steps).max() < 0.8 and (steps < 0.05).all()


def test_five_axes_lie_between_one_and_five_whatever_is_heard(judge: Judge) -> None:
    assert AXES == ("coherence", "musicality", "memorability", "clarity", "naturalness")
    generator = np.random.default_rng(0)
    sounds = [
        np.zeros((2, 90_000)),
        np.zeros((2, 10)),
        generator.uniform(-1, 1, (2, 90_000)),
        np.full((2, 5000), 1.0),
    ]
    for audio_CN in sounds:
        scores_A = judge.score(audio_CN.astype(np.float32))
        assert scores_A.shape == (5,) and (scores_A > 1).all() and (scores_A < 5).all()


def test_wrong_shapes_and_values_are_refused(judge: Judge) -> None:
    for audio_CN in (np.zeros(100), np.zeros((1, 100)), np.full((2, 5000), np.nan)):
        with pytest.raises(ValueError, match=r"\[2, N\]"):
            judge.score(audio_CN)


def test_the_same_scores_twice_and_the_identity_known_without_building(judge: Judge) -> None:
    mix_CN = played(1)[0][1].mix_CN
    assert judge.score(mix_CN).tobytes() == build_judge(PARAMS).score(mix_CN).tobytes()
    assert PARAMS.identity() == judge.identity
    with pytest.raises(ValueError, match="embedded"):
        PARAMS.model_copy(update={"model": "songevil"}).identity()


def test_the_axes_of_a_judge_are_known_without_building_it(judge: Judge) -> None:
    assert judge.axes == PARAMS.axes == AXES and (judge.low, judge.high) == (1.0, 5.0)
    assert PARAMS.model_copy(update={"model": "songeval"}).axes == AXES
    assert PARAMS.model_copy(update={"model": "audiobox"}).axes == ("CE", "CU", "PC", "PQ")


def test_brightness_follows_the_share_of_high_energy_and_nothing_else() -> None:
    bright = build_judge(PARAMS.model_copy(update={"model": "brightness"}))
    time_N = np.arange(44_100) / 44_100
    low_N, high_N = np.sin(2 * np.pi * 300 * time_N), np.sin(2 * np.pi * 6000 * time_N)

    def brightness(mix_N: np.ndarray) -> float:
        return float(bright.score(np.stack([mix_N, mix_N]))[0])

    assert brightness(low_N) == brightness(0 * low_N) == 1.0
    assert brightness(high_N) == pytest.approx(5.0, abs=0.01)
    assert brightness(low_N + 0.1 * high_N) == pytest.approx(3.0, abs=0.02)  # 20 dB below
    assert brightness(low_N + 0.2 * high_N) > brightness(low_N + 0.1 * high_N)
    assert brightness(0.01 * (low_N + 0.1 * high_N)) == pytest.approx(brightness(low_N + 0.1 * high_N))


def test_contrast_is_the_distance_of_loud_moments_from_quiet_ones() -> None:
    contrast = build_judge(PARAMS.model_copy(update={"model": "contrast"}))
    noise_N = np.random.default_rng(0).standard_normal(88_200)
    halves_N = np.repeat([1.0, 0.1], 44_100)  # the second half 20 dB lower

    def score(mix_N: np.ndarray) -> float:
        return float(contrast.score(np.stack([mix_N, mix_N]))[0])

    assert score(0 * noise_N) == 1.0
    assert score(noise_N) == pytest.approx(1.0, abs=0.3)
    assert score(halves_N * noise_N) == pytest.approx(3.0, abs=0.3)
    assert score(0.5 * halves_N * noise_N) == pytest.approx(score(halves_N * noise_N), abs=0.05)


@pytest.mark.parametrize("name", ["brightness", "contrast", "coin"])
def test_judges_for_trials_are_chosen_by_name_and_refuse_what_is_no_mix(name: str) -> None:
    params = PARAMS.model_copy(update={"model": name})
    trial = build_judge(params)
    assert params.identity() == trial.identity == f"embedded/{name}@1"
    assert params.axes == trial.axes == (name,) and (trial.low, trial.high) == (1.0, 5.0)
    for audio_CN in (np.zeros(100), np.zeros((1, 100)), np.full((2, 5000), np.nan)):
        with pytest.raises(ValueError, match=r"\[2, N\]"):
            trial.score(audio_CN)


def test_a_coin_is_the_same_for_the_same_sound_and_even_over_others() -> None:
    coin = build_judge(PARAMS.model_copy(update={"model": "coin"}))
    noise = np.random.default_rng(0).standard_normal((200, 2, 50)).astype(np.float32)
    scores = np.array([coin.score(mix_CN)[0] for mix_CN in noise])
    assert coin.score(noise[0])[0] == scores[0]
    assert 1 <= scores.min() < 1.2 and 4.8 < scores.max() < 5 and scores.mean() == pytest.approx(3, abs=0.3)
