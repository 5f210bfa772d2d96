"""The real style encoder on small weights of the true form: as its package embeds, crops, text, the negative style."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from tasks.audio.read import array_of
from tasks.models import released_weights as weights
from tasks.models.real.common import mono_at
from tasks.models.real.muq_mulan import MuqMulanStyleEncoder
from tasks.models.style_encoder import StyleParams, build_style_encoder
from tasks.stages.style import Style
from tests.tasks.models.checkpoints.muq_mulan import write_all, write_muq_mulan
from tests.tasks.models.refusals import cut_short, refusal
from tests.tasks.pooled import through_the_table
from tests.tasks.tiny import tones_CN

torch.set_num_threads(1)
BATCHED = 2e-5  # how far clips embedded together may be from clips embedded alone


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings that name the three folders; none of their paths says what the package looks for."""
    return write_all(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def song_CN() -> np.ndarray:
    """26 s that change from second to second."""
    return np.concatenate([tones_CN(2.0, seed) for seed in range(13)], axis=1)


def params(released: dict[str, str], **settings: Any) -> StyleParams:
    base = load_params().models.style_encoder
    given = {"device": "cpu", "crop_s": 12.0, **released, **settings}
    return StyleParams(
        model="muq_mulan", muq_mulan=base.muq_mulan.model_validate({**base.muq_mulan.model_dump(), **given})
    )


def build(released: dict[str, str], **settings: Any) -> MuqMulanStyleEncoder:
    encoder = build_style_encoder(params(released, **settings))
    assert isinstance(encoder, MuqMulanStyleEncoder)
    return encoder


def by_the_package(encoder: MuqMulanStyleEncoder, audio_N: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return encoder._model(wavs=torch.from_numpy(audio_N)[None])[0].numpy()


def test_the_first_crop_is_embedded_as_the_released_code_embeds_it(
    released: dict[str, str], song_CN: np.ndarray
) -> None:
    encoder = build(released, crop_s=24.0)
    style_nS = encoder.embed_audio(song_CN)
    assert style_nS.shape == (1, 512) and style_nS.dtype == np.float32
    expected_S = by_the_package(encoder, mono_at(song_CN, 24_000)[: 24 * 24_000])
    np.testing.assert_allclose(style_nS[0], expected_S, atol=BATCHED)
    assert 0 < np.linalg.norm(style_nS[0]) < 1 - 1e-7  # an average of unit vectors, left as it is


@pytest.mark.parametrize("seconds", [3.0, 7.0, 10.0])
def test_a_song_shorter_than_a_crop_is_one_crop_wrapped_as_the_package_wraps_it(
    released: dict[str, str], song_CN: np.ndarray, seconds: float
) -> None:
    encoder = build(released, crops=3)
    short_CN = song_CN[:, : round(seconds * 44_100)]
    style_nS = encoder.embed_audio(short_CN)
    np.testing.assert_allclose(
        style_nS, by_the_package(encoder, mono_at(short_CN, 24_000))[None], atol=BATCHED
    )
    np.testing.assert_allclose(np.linalg.norm(style_nS, axis=1), 1, atol=1e-5)
    assert encoder.windows(short_CN).shape == (1, 512)


def test_crops_are_first_spread_or_random_and_always_the_same(
    released: dict[str, str], song_CN: np.ndarray
) -> None:
    by_choice = {
        choice: build(released, crops=4, crop_s=8.0, crop_choice=choice)
        for choice in ("first", "spread", "random")
    }
    audio_N = mono_at(song_CN, 24_000)
    starts = {
        choice: [
            int(crop_N.__array_interface__["data"][0] - audio_N.__array_interface__["data"][0]) // 4
            for crop_N in encoder._crops(audio_N)
        ]
        for choice, encoder in by_choice.items()
    }
    assert starts["first"] == [0, 8 * 24_000, 16 * 24_000]  # a fourth does not fit
    assert starts["spread"] == [0, 6 * 24_000, 12 * 24_000, 18 * 24_000]
    assert starts["random"] == sorted(starts["random"]) and len(set(starts["random"])) == 4
    again = build(released, crops=4, crop_s=8.0, crop_choice="random")
    other = build(released, crops=4, crop_s=8.0, crop_choice="random", seed=1)
    drawn_nS = by_choice["random"].embed_audio(song_CN)
    assert drawn_nS.shape == (4, 512)
    assert drawn_nS.tobytes() == again.embed_audio(song_CN).tobytes()
    assert not np.allclose(drawn_nS, other.embed_audio(song_CN))


def test_text_is_embedded_by_its_first_300_characters(released: dict[str, str]) -> None:
    encoder = build(released)
    text = "bright pop with a female voice " * 20
    style_S = encoder.embed_text(text)
    assert style_S.shape == (512,) and np.linalg.norm(style_S) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(style_S, encoder.embed_text(text[:300] + "polka"))
    assert not np.allclose(style_S, encoder.embed_text("slow blues"))
    with pytest.raises(ValueError, match="style text is empty"):
        encoder.embed_text(" ")


def test_windows_are_unit_clips_of_ten_seconds_every_five(
    released: dict[str, str], song_CN: np.ndarray
) -> None:
    encoder = build(released, batch_size=3)
    window_WS = encoder.windows(song_CN)
    assert window_WS.shape == (4, 512) and window_WS.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(window_WS, axis=1), 1, atol=1e-5)
    audio_N = mono_at(song_CN, 24_000)
    third_S = by_the_package(encoder, audio_N[10 * 24_000 : 20 * 24_000])
    np.testing.assert_allclose(window_WS[2], third_S, atol=BATCHED)
    np.testing.assert_allclose(build(released, batch_size=1).windows(song_CN), window_WS, atol=BATCHED)


def test_the_negative_style_is_a_file_or_zeros_and_the_identity_says_which(
    released: dict[str, str], tmp_path: Path
) -> None:
    zeros = params(released)
    assert not build(released).negative_style.any()
    assert zeros.identity().endswith("+none")
    voice_S = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    np.save(tmp_path / "vocal.npy", voice_S)
    given = params(released, negative_style=str(tmp_path / "vocal.npy"))
    encoder = build_style_encoder(given)
    assert np.array_equal(encoder.negative_style, voice_S[0])
    assert encoder.identity == given.identity() != zeros.identity()
    assert given.decides() == zeros.decides() and str(tmp_path) not in json.dumps(given.decides())


def test_a_negative_style_of_another_shape_or_with_objects_is_refused(
    released: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "vocal.npy"
    for array in (np.zeros(100, np.float32), np.full(512, np.nan), np.array([{"a": 1}], dtype=object)):
        np.save(path, array, allow_pickle=True)
        message = refusal(lambda: build(released, negative_style=str(path)))
        assert (
            "models.style_encoder.muq_mulan.negative_style" in message
            and "cannot be loaded as negative style" in message
        )


def test_bfloat16_runs_near_float32(released: dict[str, str], song_CN: np.ndarray) -> None:
    exact_S, near_S = (build(released, precision=p).embed_text("pop") for p in ("float32", "bfloat16"))
    assert near_S.dtype == np.float32 and exact_S @ near_S > 0.99
    assert build(released, precision="bfloat16").embed_audio(song_CN[:, : 5 * 44_100]).dtype == np.float32


def test_safetensors_serve_as_well(released: dict[str, str], tmp_path: Path) -> None:
    muq, text = Path(released["muq_weights"]), Path(released["text_weights"])
    folder = write_muq_mulan(tmp_path / "joint", muq, text, name="model.safetensors")
    first_S, second_S = (
        build(released, weights=w).embed_text("pop") for w in (released["weights"], str(folder))
    )
    assert np.array_equal(first_S, second_S)


def test_two_songs_get_their_style_through_the_table(released: dict[str, str], tmp_path: Path) -> None:
    choice = params(released)
    for row in through_the_table(Style(choice), tmp_path, seconds=12.0):
        assert np.asarray(row["style_embedding"]).shape == (1, 512)
        assert array_of(row["window_embedding"]).shape == (1, 512)
        assert row["made_by"] == [f"style-v1 {choice.identity()}"]


def test_weights_that_cannot_be_used_are_refused_in_one_line(
    released: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint = tmp_path / "joint"
    shutil.copytree(released["weights"], joint)

    def said(**settings: Any) -> str:
        return refusal(lambda: build(released, **{"weights": str(joint), **settings}).embed_text("pop"))

    absent = said(muq_weights="nobody/muq", muq_revision="a1b2")
    assert (
        "models.style_encoder.muq_mulan.muq_weights: nobody/muq at revision a1b2 is not on this machine"
        in absent
    )
    assert "--set models.style_encoder.muq_mulan.muq_revision=a1b2` gets it" in absent
    assert "holds no tokenizer.json or sentencepiece.bpe.model" in said(text_weights=released["muq_weights"])
    state = torch.load(joint / "pytorch_model.bin", weights_only=True)
    lacking = {name: value for name, value in state.items() if "text_to_latents" not in name}
    torch.save(lacking, joint / "pytorch_model.bin")
    assert "the file lacks mulan.text_to_latents" in said()
    torch.save({**state, "mulan.more": torch.ones(1)}, joint / "pytorch_model.bin")
    assert "has more than the model: mulan.more" in said()
    cut_short(joint / "pytorch_model.bin")
    assert "ends before its last byte; get it again" in said()
    (joint / "pytorch_model.bin").unlink()
    assert "holds no model.safetensors or pytorch_model.bin" in said()
    monkeypatch.setattr(weights, "installed", lambda name: None)
    assert "packages muq, torch, transformers, x-clip are not installed; run `pip install" in said()


def test_a_tokenizer_that_brings_code_is_refused(released: dict[str, str], tmp_path: Path) -> None:
    text = tmp_path / "words"
    shutil.copytree(released["text_weights"], text)
    (text / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Evil: pass\n")
    config = json.loads((text / "tokenizer_config.json").read_text())
    config |= {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
    (text / "tokenizer_config.json").write_text(json.dumps(config))
    refusal(lambda: build(released, text_weights=str(text)).embed_text("pop"))
    assert not (tmp_path / "ran").exists()


def test_a_text_model_whose_config_leads_to_code_elsewhere_is_refused(
    released: dict[str, str], tmp_path: Path
) -> None:
    """CVE-2026-5241: a LightGlue config names another folder, whose code transformers would run."""
    text, evil = tmp_path / "words", tmp_path / "evil"
    shutil.copytree(released["text_weights"], text)
    evil.mkdir()
    (evil / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Evil: pass\n")
    (evil / "config.json").write_text('{"model_type": "evil", "auto_map": {"AutoConfig": "evil.Evil"}}')
    there = {"model_type": "evil", "_name_or_path": str(evil)}
    config = json.loads((text / "config.json").read_text())
    config |= {"model_type": "lightglue", "keypoint_detector_config": there}
    (text / "tokenizer_config.json").write_text("{}")
    for more, words in (
        ({"trust_remote_code": True}, "chooses code by `trust_remote_code`"),
        ({}, "is of a lightglue, not an xlm-roberta"),
    ):
        (text / "config.json").write_text(json.dumps(config | more))
        said = refusal(lambda: build(released, text_weights=str(text)).embed_text("pop"))
        assert not (tmp_path / "ran").exists() and words in said
