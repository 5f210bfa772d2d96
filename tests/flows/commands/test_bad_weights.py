"""Weights and adapters that are not what they should be end a command with one line and 2, and leave nothing written."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from flows.commands.main import run
from jam_model.checkpoint import weights_hash
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import add_adapters
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.stages.generated.test_generate import TINY, tiny_checkpoint
from tests.tasks.training.test_adapters import base

SPLITS = {"s0": "train", "s1": "validation"}
ASKED = [f"jam.{name}={getattr(TINY, name)}" for name in ("heads", "style_dim", "latent_channels")]
SETTINGS = [word for said in [*ASKED, "start.preset=jam", "sft.num_workers=1"] for word in ("--set", said)]
Spoilt = dict[str, tuple[Callable[[dict[str, Tensor]], dict[str, Tensor]], Callable[[bytes], bytes], str]]


def lying(data: bytes) -> bytes:
    """Its first tensor has more numbers than the file."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    next(entry for name, entry in header.items() if name != "__metadata__")["shape"] = [2**40]
    told = json.dumps(header).encode()
    return struct.pack("<Q", len(told)) + told + data[8 + size :]


def same(value: bytes) -> bytes:
    return value


def spoilt(name: str) -> Spoilt:
    """Lies about the tensor `name`, and what a refusal must say."""
    return {
        "dtype": (lambda t: t | {name: t[name].to(torch.int64)}, same, "int64"),
        "half": (dict, lambda data: data[:-9], "not a whole safetensors file"),
        "other": (lambda t: {"encoder.weight": torch.zeros(2, 2)}, same, "weights"),
        "part": (lambda t: {key: t[key] for key in t if key != name}, same, name.partition(".param")[0]),
        "shape": (lambda t: t | {name: torch.zeros(3, 3)}, same, name.partition(".param")[0]),
        "lies": (dict, lying, "not a whole safetensors file"),
    }


def files_in(folder: Path) -> set[Path]:
    """All but the checksums of what stood before."""
    return {path for path in folder.rglob("*") if path.is_file() and path.parent.name != "receipts"}


@pytest.mark.slow
def test_every_kind_of_wrong_weights_and_adapters_is_one_line_and_2_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, made = tmp_path / "W", tmp_path / "made"
    work.mkdir()
    write_folder(work / "shards", [{name: members_of(n, 24) for n, name in enumerate(SPLITS)}], SPLITS)
    tiny_checkpoint(made)
    section = AdapterParams(kind="lora", rank=2, alpha=4.0, targets=("fusion",))
    learned = add_adapters(base(made), section, 1).named_parameters()
    adapter = {name: tensor.detach() for name, tensor in learned if tensor.requires_grad}
    train = ["train", "--work", str(work), *SETTINGS, "--from"]
    merge = ["adapters", "merge", str(made), "FILE", str(tmp_path / "out")]
    facts = section.facts(weights_hash(made))
    for command, tensors, told in (
        (train, load_file(made / "model.safetensors"), {}),
        (merge, adapter, facts),
    ):
        for lie, (change, cut, said) in spoilt(sorted(tensors)[0]).items():
            file = tmp_path / f"{lie}.safetensors"
            save_file({key: value.contiguous() for key, value in change(tensors).items()}, file, told)
            file.write_bytes(cut(file.read_bytes()))
            before = files_in(tmp_path)
            given = [str(file) if word == "FILE" else word for word in command]
            assert run(given if command is merge else [*given, str(file)]) == 2, lie
            line = capsys.readouterr().err.strip()
            assert said in line and "\n" not in line and line.startswith("jam: "), (command[0], lie, line)
            assert files_in(tmp_path) == before, lie
    before = files_in(tmp_path)
    assert run([*train, str(made), "--set", "jam.latent_channels=32"]) == 2
    assert "their latent_channels is 64" in capsys.readouterr().err and files_in(tmp_path) == before
    assert not (work / "checkpoints").exists()
    save_file(adapter, tmp_path / "theirs.safetensors", section.facts("f" * 64))
    assert run(["adapters", "merge", str(made), str(tmp_path / "theirs.safetensors"), merge[-1]]) == 2
    assert "it was learned on weights with sha256 ffffffffffff" in capsys.readouterr().err
