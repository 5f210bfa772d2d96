"""What every real separator, transcriber and aligner says when it cannot be used: one line, with the hint."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tasks.engine.stage import BadModel
from tasks.models.aligner import build_aligner
from tasks.models.base import ModelChoice
from tasks.models.separator import build_separator
from tasks.models.transcriber import build_transcriber
from tests.every import every
from tests.tasks.models.checkpoints.demucs import write_demucs
from tests.tasks.models.checkpoints.wav2vec2 import write_wav2vec2
from tests.tasks.models.checkpoints.whisper import write_whisper
from tests.tasks.models.voices import demucs_params, whisper_params, whisperx_params


@dataclass(frozen=True)
class Kind:
    """A real model: its setting, how its checkpoint is written, and which file holds the weights."""

    setting: str
    write: Callable[[Path], Path]
    params: Callable[[Path | str], Any]
    build: Callable[[Any], Any]
    weights: str
    package: str


KINDS = [
    Kind(
        "models.separator.demucs.weights",
        write_demucs,
        demucs_params,
        build_separator,
        "00000000.safetensors",
        "demucs",
    ),
    Kind(
        "models.separator.demucs.weights",
        lambda folder: write_demucs(folder, "th"),
        demucs_params,
        build_separator,
        "*.th",
        "demucs",
    ),
    Kind(
        "models.transcriber.whisper.weights",
        write_whisper,
        whisper_params,
        build_transcriber,
        "model.bin",
        "faster-whisper",
    ),
    Kind(
        "models.aligner.whisperx.weights",
        write_wav2vec2,
        whisperx_params,
        build_aligner,
        "model.safetensors",
        "whisperx",
    ),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.package}-{kind.weights}")


@pytest.fixture(autouse=True)
def caches_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def refusal(action: Callable[[Any], Any], params: Any) -> str:
    """The one line with which it is refused."""
    with pytest.raises(BadModel) as refused:
        action(params)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@each_kind
def test_a_missing_package_is_named(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tasks.models.released_weights.installed", lambda name: None if name == kind.package else "1"
    )
    line = refusal(ModelChoice.identity, kind.params("/nowhere"))
    assert f"package {kind.package} is not installed; run `pip install" in line


@each_kind
def test_weights_that_are_not_there_are_named(kind: Kind, tmp_path: Path) -> None:
    assert f"{kind.setting}: /nowhere does not exist; give" in refusal(
        ModelChoice.identity, kind.params("/nowhere")
    )
    absent = refusal(kind.build, kind.params("nobody/no-such-model"))
    assert "nobody/no-such-model is not on this machine; `jam doctor --download " in absent
    assert f" --set {kind.setting}=nobody/no-such-model` gets it" in absent
    (tmp_path / "empty").mkdir()
    assert "holds no" in refusal(ModelChoice.identity, kind.params(tmp_path / "empty"))


@each_kind
@every("share", [0.0, 0.5, 0.99])
def test_weights_cut_short_are_refused(kind: Kind, tmp_path: Path, share: float) -> None:
    folder = kind.write(tmp_path / "net")
    path = next(folder.glob(kind.weights))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert f"{kind.setting}: " in refusal(kind.build, kind.params(folder))


@each_kind
def test_weights_of_another_architecture_are_refused(kind: Kind, tmp_path: Path) -> None:
    folder = kind.write(tmp_path / "net")
    path = next(folder.glob(kind.weights))
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        tensors = {name: tensor[:-1] if tensor.ndim else tensor for name, tensor in load_file(path).items()}
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=metadata)
    elif path.suffix == ".th":
        path.unlink()
        torch.save({"w": torch.ones(3)}, folder / "00000000.th")
    else:
        path.write_bytes(another_ctranslate2_model(tmp_path))
    assert f"{kind.setting}: " in refusal(kind.build, kind.params(folder))


@each_kind
def test_a_folder_of_another_model_is_refused(kind: Kind, tmp_path: Path) -> None:
    other = write_demucs if kind.write is write_wav2vec2 else write_wav2vec2
    line = refusal(kind.build, kind.params(other(tmp_path / "net")))
    assert line.startswith(kind.setting) and "give the folder of hub" in line


@each_kind
def test_a_device_that_is_not_there_is_refused(kind: Kind, tmp_path: Path) -> None:
    params = kind.params(kind.write(tmp_path / "net"))
    model = kind.setting.split(".")[2]
    elsewhere = getattr(params, model).model_copy(update={"device": "cuda:9"})
    line = refusal(kind.build, params.model_copy(update={model: elsewhere}))
    assert ".device is 'cuda:9'" in line and "use auto or cpu" in line


def another_ctranslate2_model(folder: Path) -> bytes:
    """The model.bin of a tiny GPT-2."""
    from ctranslate2.converters import TransformersConverter
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

    source = folder / "gpt2"
    source.mkdir()
    (source / "vocab.json").write_text(json.dumps({"<|endoftext|>": 0, "a": 1}))
    (source / "merges.txt").write_text("#version: 0.2\n")
    GPT2Tokenizer(str(source / "vocab.json"), str(source / "merges.txt")).save_pretrained(source)
    GPT2LMHeadModel(GPT2Config(vocab_size=2, n_embd=8, n_layer=1, n_head=1)).save_pretrained(source)
    TransformersConverter(str(source)).convert(str(folder / "converted"))
    return (folder / "converted" / "model.bin").read_bytes()
