"""The real codec: its loaders on small weights of the true form, chunks that equal the whole, the released rule."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from jam_model.frames import HOP_SAMPLES
from tasks.audio.read import array_of
from tasks.models import released_weights as weights
from tasks.models.codec import CodecParams, build_codec
from tasks.models.real.stable_audio import StableAudioCodec, reach_frames
from tasks.stages.encode import Encode
from tests.every import every
from tests.tasks.models.checkpoints.diffrhythm import write_diffrhythm
from tests.tasks.models.checkpoints.oobleck import RATIOS, write_oobleck
from tests.tasks.models.refusals import cut_short, refusal
from tests.tasks.pooled import through_the_table
from tests.tasks.tiny import tones_CN

torch.set_num_threads(1)
SEAM = 5e-6  # how far chunks may be from the whole: rounding alone


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("codec")
    write_oobleck(root / "stable-audio")
    write_diffrhythm(root / "diffrhythm")
    return root


def params(root: Path, **settings: Any) -> CodecParams:
    base = load_params().models.codec
    given = {
        "weights": str(root / "stable-audio"),
        "decoder_weights": str(root / "diffrhythm" / "vae_model.pt"),
        "device": "cpu",
        **settings,
    }
    return CodecParams(
        model="stable_audio",
        stable_audio=base.stable_audio.model_validate({**base.stable_audio.model_dump(), **given}),
    )


@pytest.fixture(scope="module")
def codec(released: Path) -> StableAudioCodec:
    return build_codec(params(released, encode_frames=5, batch_size=2))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def mix_CN() -> np.ndarray:
    return tones_CN(1.0)[:, : 14 * HOP_SAMPLES + 777]


@pytest.fixture(scope="module")
def chunked(codec: StableAudioCodec, mix_CN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the mix in three chunks, two of them in one batch."""
    return codec.encode(mix_CN)


@pytest.fixture(scope="module")
def whole_TC(codec: StableAudioCodec, mix_CN: np.ndarray) -> np.ndarray:
    """What the autoencoder says of the whole mix at once."""
    with torch.inference_mode():
        posterior = codec._vae.encode(torch.from_numpy(mix_CN)[None]).latent_dist
    return torch.cat([posterior.mean, posterior.std], dim=1)[0].T.numpy()


def test_encoding_in_chunks_gives_what_the_whole_song_gives(
    chunked: tuple[np.ndarray, np.ndarray], whole_TC: np.ndarray
) -> None:
    mean_TC, std_TC = chunked
    assert mean_TC.shape == std_TC.shape == (14, 64) and mean_TC.dtype == std_TC.dtype == np.float32
    assert (std_TC > 0).all()
    np.testing.assert_allclose(np.concatenate([mean_TC, std_TC], axis=1), whole_TC, atol=SEAM)


def test_chunks_without_what_the_encoder_hears_to_either_side_would_show_seams(
    codec: StableAudioCodec, mix_CN: np.ndarray, whole_TC: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "_reach_frames", 0)
    assert np.abs(codec.encode(mix_CN)[0] - whole_TC[:, :64]).max() > 100 * SEAM


def test_the_encoder_hears_no_further_than_its_convolutions_reach(codec: StableAudioCodec) -> None:
    assert reach_frames((2, 4, 4, 8, 8)) == 9  # as released
    reach, at = reach_frames(RATIOS), 5
    quiet_CN = np.zeros((2, 11 * HOP_SAMPLES), np.float32)
    loud_CN = quiet_CN.copy()
    loud_CN[:, at * HOP_SAMPLES : (at + 1) * HOP_SAMPLES] = 1.0
    with torch.inference_mode():
        quiet, loud = (
            codec._vae.encode(torch.from_numpy(m)[None]).latent_dist.mean for m in (quiet_CN, loud_CN)
        )
    heard = np.flatnonzero((quiet != loud).any(dim=1)[0].numpy())
    assert at - reach <= heard.min() < at < heard.max() <= at + reach


@every("num_frames", [1, 50, 128, 224, 300])
def test_decoding_follows_the_released_rule(codec: StableAudioCodec, released: Path, num_frames: int) -> None:
    latent_TC = np.random.default_rng(num_frames).standard_normal((num_frames, 64)).astype(np.float32)
    script = torch.jit.load(released / "diffrhythm" / "vae_model.pt")
    expected_CN = by_the_released_rule(script.decode_export, torch.from_numpy(latent_TC.T.copy())[None])
    mix_CN = codec.decode(latent_TC)
    assert mix_CN.shape == (2, num_frames * HOP_SAMPLES)
    np.testing.assert_allclose(mix_CN, expected_CN, atol=1e-6)


def by_the_released_rule(
    decode: Any, latents: torch.Tensor, chunk: int = 128, overlap: int = 32
) -> np.ndarray:
    """facts of jamify's vae.py: hop chunk - overlap, the last chunk at the end, half the overlap cut each side."""
    total, hop, ratio = latents.shape[2], chunk - overlap, 2048
    firsts = list(range(0, total - chunk + 1, hop))
    pieces = [latents[:, :, first : first + chunk] for first in firsts]
    if not firsts or firsts[-1] + chunk != total:
        pieces.append(latents[:, :, -chunk:])
    final = torch.zeros(1, 2, total * ratio)
    with torch.inference_mode():
        for number, piece in enumerate(pieces):
            audio = decode(piece)
            last = number == len(pieces) - 1
            t_end = total * ratio if last else number * hop * ratio + chunk * ratio
            t_start = t_end - audio.shape[2]
            begin, end = 0, audio.shape[2]
            if number:
                t_start, begin = t_start + overlap // 2 * ratio, overlap // 2 * ratio
            if not last:
                t_end, end = t_end - overlap // 2 * ratio, end - overlap // 2 * ratio
            final[:, :, t_start:t_end] = audio[:, :, begin:end]
    return final[0].numpy()


def test_the_encoders_own_decoder_needs_no_other_weights_and_its_chunks_equal_the_whole(
    released: Path,
) -> None:
    choice = params(released, decoder="stable_audio", decoder_weights="nobody/nothing", batch_size=1)
    codec = build_codec(choice)
    assert codec.identity == choice.identity() and codec.identity.endswith("+none")
    latent_TC = np.random.default_rng(0).standard_normal((140, 64)).astype(np.float32)
    with torch.inference_mode():
        whole = codec._vae.decode(torch.from_numpy(latent_TC.T.copy())[None]).sample[0].numpy()  # type: ignore[attr-defined]
    np.testing.assert_allclose(codec.decode(latent_TC), whole, atol=SEAM)


def test_batch_size_is_no_part_of_the_result(
    released: Path, codec: StableAudioCodec, mix_CN: np.ndarray, chunked: tuple[np.ndarray, np.ndarray]
) -> None:
    alone = build_codec(params(released, encode_frames=5, batch_size=1))
    np.testing.assert_allclose(alone.encode(mix_CN)[0], chunked[0], atol=SEAM)
    latent_TC = np.random.default_rng(0).standard_normal((300, 64)).astype(np.float32)
    np.testing.assert_allclose(alone.decode(latent_TC), codec.decode(latent_TC), atol=1e-6)
    assert params(released).identity() == alone.identity


def test_the_silence_latent_is_frame_15_of_silence_and_equal_for_equal_weights(released: Path) -> None:
    first, second = (build_codec(params(released, encode_frames=frames)) for frames in (10, 256))
    silent_TC, _ = first.encode(np.zeros((2, 20 * HOP_SAMPLES), np.float32))
    np.testing.assert_allclose(first.silence_C, silent_TC[15], atol=1e-6)
    assert np.abs(first.silence_C).max() > 0.01
    assert first.silence_C.tobytes() == second.silence_C.tobytes()


@pytest.mark.slow
def test_ten_seconds_of_silence_have_the_silence_latent_in_frame_15(released: Path) -> None:
    codec = build_codec(params(released, encode_frames=108))  # two chunks: less is heard twice
    silent_TC, _ = codec.encode(np.zeros((2, 441_000), np.float32))
    assert len(silent_TC) == 215
    np.testing.assert_allclose(codec.silence_C, silent_TC[15], atol=1e-6)


def test_bfloat16_runs_and_is_another_recipe(
    released: Path, mix_CN: np.ndarray, whole_TC: np.ndarray
) -> None:
    choice = params(released, precision="bfloat16")
    mean_TC, _ = build_codec(choice).encode(mix_CN)
    assert mean_TC.dtype == np.float32
    assert 0 < np.abs(mean_TC - whole_TC[:, :64]).max() < 0.1
    assert choice.decides() != params(released).decides()


def test_what_is_no_mix_and_no_latents_is_refused(codec: StableAudioCodec) -> None:
    with pytest.raises(ValueError, match=r"a mix is \[2, N\]"):
        codec.encode(np.zeros((1, 9000), np.float32))
    with pytest.raises(ValueError, match=r"latents are \[T, 64\]"):
        codec.decode(np.zeros((3, 63), np.float32))
    with pytest.raises(ValueError, match="NaN or infinite"):
        codec.decode(np.full((3, 64), np.nan, np.float32))


def test_an_overlap_as_long_as_a_chunk_is_refused(released: Path) -> None:
    with pytest.raises(ValueError, match="decode_overlap is 128, decode_frames 128; give less overlap"):
        params(released, decode_overlap=128)


def test_two_songs_are_encoded_through_the_table(released: Path, tmp_path: Path) -> None:
    stage = Encode(params(released))
    rows = through_the_table(stage, tmp_path, seconds=0.3)
    for row in rows:
        latent_TC = array_of(row["latent"])
        assert latent_TC.shape == (row["num_frames"], 128) == (6, 128)
        assert row["made_by"] == [f"encode-v1 {params(released).identity()}"]


def test_weights_that_cannot_be_used_are_refused_in_one_line(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    vae = tmp_path / "stable-audio" / "vae"

    def said(**settings: Any) -> str:
        return refusal(lambda: build_codec(params(tmp_path, **settings)))

    assert "nobody/nothing is not on this machine; `jam doctor --download " in said(weights="nobody/nothing")
    assert "holds no config.json" in said(weights=str(tmp_path / "diffrhythm"))
    assert "decoder_weights" in said(decoder_weights=str(tmp_path / "stable-audio"))
    cut_short(vae / "diffusion_pytorch_model.safetensors")
    assert "ends before its last tensor; get it again" in said()
    shutil.copy(released / "stable-audio" / "vae" / "diffusion_pytorch_model.safetensors", vae)
    config = json.loads((vae / "config.json").read_text())
    (vae / "config.json").write_text(json.dumps({**config, "channel_multiples": [1, 2]}))
    assert "cannot be loaded as Stable Audio Open VAE" in said()
    (vae / "config.json").write_text(json.dumps({**config, "sampling_rate": 48_000}))
    assert "made for 48000 Hz, not 44100" in said()
    monkeypatch.setattr(weights, "installed", lambda name: None)
    assert "packages diffusers, torch are not installed; run `pip install" in said()


def test_a_script_that_is_no_decoder_is_refused(released: Path, tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(64, 2)).save(str(tmp_path / "vae_model.pt"))
    message = refusal(lambda: build_codec(params(released, decoder_weights=str(tmp_path))))
    assert "models.codec.stable_audio.decoder_weights" in message and "decode_export" in message
    cut_short(tmp_path / "vae_model.pt")
    assert "ends before its last byte" in refusal(
        lambda: build_codec(params(released, decoder_weights=str(tmp_path)))
    )
