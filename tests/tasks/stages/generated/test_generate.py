"""Generate makes the audio of a row by its recipe, from noise that depends on prompt, seed and take alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from jam_model.checkpoint import load_model, save_model
from jam_model.config import JamConfig
from jam_model.dit import Jam
from jam_model.frames import seconds_of_frames
from tasks.audio.read import array_of, read_bytes
from tasks.engine.song import Song, SongError
from tasks.stages.generated.asked import conditions_of
from tasks.stages.generated.generate import RECIPE, Generate, Generation
from tests.tasks.tiny import timed, write_song

TINY = JamConfig(
    dim=32,
    depth=2,
    heads=2,
    ff_mult=2,
    text_dim=16,
    text_layers=1,
    style_dim=512,
    latent_channels=64,
    max_frames=32,
    num_text_embeddings=256,
    use_implicit_duration=True,
)
SAMPLER = {
    "num_steps": 2,
    "formula": "dual",
    "style_guidance_scale": 1.5,
    "lyrics_guidance_scale": 2.5,
    "interval": [0.05, 1.0],
    "solver": "euler",
    "mode": "exact",
    "margin_frames": 4,
    "precision": "float32",
    "compiled": False,
}


def tiny_checkpoint(folder: Path, seed: int = 0) -> str:
    """A tiny model of random weights, also where training starts from zeros; the weights' hash."""
    torch.manual_seed(seed)
    model = Jam(TINY)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * 0.1)
    return save_model(folder, model)


def sing(weights: str, **options: object) -> str:
    recipe = {"kind": "generate", "weights": weights, "sampler": SAMPLER, "padding_bias": True, **options}
    return json.dumps(recipe)


def asked(recipe: str, song_id: str = "p-r1-k0", root: Path | None = None, **columns: object) -> Song:
    style = np.random.default_rng(0).standard_normal((2, 512))
    facts: dict[str, object] = {
        "recipe": recipe,
        "parent": "p",
        "parent_audio": {"path": "a.wav", "bytes": None},
        "seed": 7,
        "candidate": 0,
        "reference_words": timed(("hello", 0.1, 0.4, "hɛlˈoʊ"), ("moon", 0.5, 0.9, "mˈuːn")),
        "reference_style": (style / np.linalg.norm(style, axis=1, keepdims=True)).astype(np.float32).tolist(),
        "reference_duration_s": 1.0,
    }
    return Song(song_id, {**facts, **columns}, root=str(root or ""))


def stage(checkpoints: dict[str, str] | None = None) -> Generate:
    params = load_params().models.codec, load_params().models.style_encoder
    return Generate(*params, checkpoints=checkpoints or {})


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> tuple[Generate, str]:
    folder = tmp_path_factory.mktemp("checkpoint")
    weights = tiny_checkpoint(folder)
    return stage({weights: str(folder)}), weights


def test_generate_sings_as_long_as_asked(sung: tuple[Generate, str]) -> None:
    generate, weights = sung
    song = generate.one(asked(sing(weights)))
    mix_CN, rate = read_bytes(song["audio"]["bytes"])
    assert (mix_CN.shape, rate) == ((2, 21 * 2048), 44_100)
    assert song["duration_s"] == pytest.approx(seconds_of_frames(21))
    assert array_of(song["generated_latent"]).shape == (21, 64)
    assert song["tail_energy"] > 0


def test_trimmed_songs_keep_their_noise_and_length_and_cost_fewer_frames(sung: tuple[Generate, str]) -> None:
    generate, weights = sung

    def latent_TC(**options: object) -> np.ndarray:
        song = generate.one(asked(sing(weights, sampler={**SAMPLER, **options})))
        return array_of(song["generated_latent"])

    exact_TC, trimmed_TC = latent_TC(), latent_TC(mode="trimmed")
    assert exact_TC.shape == trimmed_TC.shape == (21, 64)
    assert not np.array_equal(exact_TC, trimmed_TC)
    assert np.corrcoef(exact_TC.ravel(), trimmed_TC.ravel())[0, 1] > 0.9
    np.testing.assert_array_equal(latent_TC(mode="trimmed", margin_frames=11), exact_TC)  # 32 frames is all


@pytest.mark.parametrize("options", [{"solver": "heun"}, {"precision": "bfloat16"}])
def test_solver_and_precision_reach_the_sampler(sung: tuple[Generate, str], options: dict[str, str]) -> None:
    generate, weights = sung
    plain, changed = (
        array_of(generate.one(asked(sing(weights, sampler={**SAMPLER, **given})))["generated_latent"])
        for given in ({}, options)
    )
    assert not np.array_equal(plain, changed)
    assert np.corrcoef(plain.ravel(), changed.ravel())[0, 1] > 0.9


def test_a_song_as_long_as_the_model_has_no_tail(sung: tuple[Generate, str]) -> None:
    generate, weights = sung
    song = generate.one(asked(sing(weights), reference_duration_s=seconds_of_frames(32)))
    assert song["tail_energy"] is None
    assert array_of(song["generated_latent"]).shape == (32, 64)


def test_noise_follows_prompt_seed_and_take_but_not_the_rows_own_id(sung: tuple[Generate, str]) -> None:
    generate, weights = sung

    def latent(**columns: object) -> bytes:
        return generate.one(asked(sing(weights), **columns))["generated_latent"]  # type: ignore[arg-type]

    base = latent()
    assert latent(song_id="p-after") == base
    assert len({base, latent(candidate=1), latent(seed=8), latent(parent="q")}) == 4


def test_every_condition_reaches_the_model(sung: tuple[Generate, str]) -> None:
    generate, weights = sung
    recipes = [sing(weights), sing(weights, padding_bias=False)]
    recipes.append(sing(weights, sampler={**SAMPLER, "style_guidance_scale": 3.0}))
    latents = {generate.one(asked(recipe))["generated_latent"] for recipe in recipes}
    latents.add(
        generate.one(
            asked(sing(weights), reference_words=timed(("hello", 0.1, 0.4, "ləʊ"), ("moon", 0.5, 0.9, "sʌn")))
        )["generated_latent"]
    )
    latents.add(
        generate.one(asked(sing(weights), reference_style=asked("")["reference_style"][::-1]))[
            "generated_latent"
        ]
    )
    latents.add(generate.one(asked(sing(weights), reference_duration_s=1.2))["generated_latent"])
    assert len(latents) == 6


def test_conditions_tell_the_length_in_the_models_units() -> None:
    conditions = conditions_of(asked(""), 21, TINY, "it")
    assert conditions.lyric_tokens_BL.shape == (1, 128)
    assert conditions.duration_rel_B.item() == pytest.approx(21 / 32)
    assert conditions.style_BS.shape == (1, 512)


@pytest.mark.parametrize(("duration_s", "reason"), [(0.01, "prompt_too_short"), (2.0, "prompt_too_long")])
def test_a_length_the_model_cannot_sing_drops_the_row(
    sung: tuple[Generate, str], duration_s: float, reason: str
) -> None:
    generate, weights = sung
    with pytest.raises(SongError) as error:
        generate.one(asked(sing(weights), reference_duration_s=duration_s))
    assert error.value.reason == reason


def test_latents_that_are_not_finite_drop_the_row(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path)
    model = load_model(tmp_path)
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(float("nan"))
    weights = save_model(tmp_path, model)
    with pytest.raises(SongError) as error:
        stage({weights: str(tmp_path)}).one(asked(sing(weights)))
    assert error.value.reason == "not_finite"


def test_codec_rows_are_one_round_trip_of_the_parents_mix(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    song = stage().one(asked('{"kind": "codec"}', root=tmp_path))
    latent_TC = array_of(song["generated_latent"])
    assert read_bytes(song["audio"]["bytes"])[0].shape == (2, len(latent_TC) * 2048)
    assert song["tail_energy"] is None


def test_copies_are_the_parents_mix_itself(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    song = stage().one(asked('{"kind": "copy"}', root=tmp_path))
    assert song["audio"] == {"path": "a.wav", "bytes": None}
    assert (song["duration_s"], song["generated_latent"]) == (2.0, None)


def test_noise_rows_are_the_mix_with_noise_as_far_below_it_as_asked(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    mix_CN = read_bytes((tmp_path / "a.wav").read_bytes())[0]

    def noise(**columns: object) -> np.ndarray:
        song = stage().one(asked('{"kind": "noise", "snr_db": 20}', root=tmp_path, **columns))  # type: ignore[arg-type]
        noisy_CN = read_bytes(song["audio"]["bytes"])[0]
        return noisy_CN / np.sum(noisy_CN * mix_CN) * np.sum(mix_CN**2) - mix_CN

    noise_CN = noise()
    assert 10 * np.log10(np.mean(mix_CN**2) / np.mean(noise_CN**2)) == pytest.approx(20, abs=0.2)
    np.testing.assert_array_equal(noise(song_id="other"), noise_CN)
    assert not np.array_equal(noise(seed=8), noise_CN)


def test_weights_that_are_not_at_hand_or_changed_are_an_error_and_no_drop(tmp_path: Path) -> None:
    weights = tiny_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="no path is known"):
        stage().one(asked(sing(weights)))
    tiny_checkpoint(tmp_path, seed=1)
    with pytest.raises(ValueError, match="holds the weights"):
        stage({weights: str(tmp_path)}).one(asked(sing(weights)))


@pytest.mark.parametrize("recipe", ["{}", '{"kind": "dream"}', '{"kind": "copy", "more": 1}', "no json"])
def test_a_recipe_that_is_none_is_an_error(tmp_path: Path, recipe: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        stage().one(asked(recipe))


def test_a_recipe_is_written_and_read_back() -> None:
    recipe = RECIPE.validate_json(sing("ab"))
    assert isinstance(recipe, Generation)
    assert RECIPE.validate_json(recipe.model_dump_json()) == recipe
    assert recipe.sampler.guidance.interval == (0.05, 1.0)
