"""The net with letters hears whole songs in windows, and is taken from its files or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.models.real.wav2vec2 import CONTEXT, WINDOW, LetterNet, windows_of
from tests.every import every
from tests.tasks.models.checkpoints.wav2vec2 import write_wav2vec2
from tests.tasks.models.voices import vocals


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav2vec2(tmp_path_factory.mktemp("wav2vec2"))


def net_of(folder: Path, precision: str = "float32", batch_size: int = 2) -> LetterNet:
    return LetterNet(folder, torch.device("cpu"), precision, batch_size)


@every("num_frames", [1, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW, 12_000])
def test_windows_keep_every_frame_once_with_context_around(num_frames: int) -> None:
    windows = list(windows_of(num_frames))
    frames = [frame for _, kept in windows for frame in kept]
    assert frames == list(range(num_frames))
    for heard, kept in windows:
        assert len(heard) == min(WINDOW, num_frames)
        assert kept.start - heard.start >= (CONTEXT if kept.start else 0)
        assert heard.stop - kept.stop >= (CONTEXT if kept.stop < num_frames else 0)


def test_a_song_of_two_windows_has_all_its_frames_and_batches_do_not_matter(folder: Path) -> None:
    vocals_N = vocals(32.0)
    net = net_of(folder)
    frames_TV = net.listen(vocals_N)
    assert frames_TV.shape == ((32 * 16_000 - 400) // 320 + 1, 32) and net.frame_s == 0.02
    assert torch.allclose(frames_TV.exp().sum(1), torch.ones(len(frames_TV)), atol=1e-4)
    assert torch.equal(frames_TV, net.listen(vocals_N))
    assert torch.allclose(frames_TV, net_of(folder, batch_size=1).listen(vocals_N), atol=1e-5)


def test_a_song_of_one_window_is_heard_as_transformers_hears_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    audio_N = vocals(4.0)[: 98 * 320 + 400]  # 99 whole frames
    heard = Wav2Vec2FeatureExtractor.from_pretrained(folder)(
        audio_N, sampling_rate=16_000, return_tensors="pt"
    )
    with torch.inference_mode():
        logits_TV = Wav2Vec2ForCTC.from_pretrained(folder)(heard.input_values).logits[0]
    monkeypatch.setattr("tasks.models.real.common.soxr.resample", lambda sound_N, *rates, quality: sound_N)
    assert torch.allclose(net_of(folder).listen(audio_N), logits_TV.log_softmax(-1), atol=1e-4)


def test_loudness_does_not_change_what_a_normalised_net_hears(folder: Path) -> None:
    net = net_of(folder)
    loud_TV, quiet_TV = net.listen(vocals(2.0)), net.listen(vocals(2.0) * np.float32(0.3))
    assert torch.allclose(loud_TV.exp(), quiet_TV.exp(), atol=1e-3)


def test_half_precision_comes_near(folder: Path) -> None:
    full_TV, half_TV = (net_of(folder, p).listen(vocals(2.0)).exp() for p in ("float32", "bfloat16"))
    assert 0 < (full_TV - half_TV).abs().max() < 0.02


def test_a_very_short_song_is_heard_and_stereo_is_refused(folder: Path) -> None:
    assert len(net_of(folder).listen(vocals(0.02))) == 1
    with pytest.raises(ValueError, match="mono"):
        net_of(folder).listen(np.zeros((2, 44_100), np.float32))


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("vocab.json", {"a": 900}, r"vocab.json does not number letters from 0 to 31"),
        ("vocab.json", {"eng": {"a": 1}}, r"vocab.json does not number letters"),
        ("preprocessor_config.json", {"sampling_rate": 8000}, r"it listens at 8000 Hz, not 16000 Hz"),
        ("config.json", {"model_type": "hubert"}, r"config.json is of a hubert, not a wav2vec2"),
    ],
)
def test_a_folder_that_says_something_else_is_refused(
    tmp_path: Path, file: str, content: Any, fault: str
) -> None:
    (write_wav2vec2(tmp_path) / file).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=fault):
        net_of(tmp_path)


def test_a_net_without_its_letters_is_refused(tmp_path: Path) -> None:
    """transformers would put random weights in their place."""
    path = write_wav2vec2(tmp_path) / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("lm_head")}
    save_file(kept, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"2 weights are not in the file, first lm_head.bias"):
        net_of(tmp_path)
