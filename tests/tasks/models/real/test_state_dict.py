"""Every tensor of released weights finds its place, or the file is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tasks.models.real.state_dict import load_strictly, read_state


def test_the_first_form_that_is_there_is_read(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pytorch_model.bin")
    names = ("model.safetensors", "pytorch_model.bin")
    assert read_state(tmp_path, *names)["weight"].sum() == 0
    save_file({"weight": torch.ones(2)}, tmp_path / "model.safetensors")
    assert read_state(tmp_path, *names)["weight"].sum() == 2


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.mark), "w")


def test_objects_in_an_archive_are_refused_without_running_them(tmp_path: Path) -> None:
    torch.save({"weight": Hostile(tmp_path / "ran")}, tmp_path / "model.bin")
    with pytest.raises(pickle.UnpicklingError):
        read_state(tmp_path, "model.bin")
    assert not (tmp_path / "ran").exists()
    torch.save({"weight": torch.ones(1), "step": 3}, tmp_path / "model.bin")
    with pytest.raises(ValueError, match="holds other than tensors by name"):
        read_state(tmp_path, "model.bin")


def test_missing_and_surplus_tensors_are_named() -> None:
    model = torch.nn.Linear(2, 3)
    whole = dict(torch.nn.Linear(2, 3).state_dict())
    load_strictly(model, {**whole, "text.position_ids": torch.arange(3)})
    assert torch.equal(model.weight, whole["weight"])
    with pytest.raises(ValueError, match="the file lacks weight and 1 others"):
        load_strictly(model, {})
    with pytest.raises(ValueError, match="has more than the model: extra"):
        load_strictly(model, {**whole, "extra": torch.ones(1)})
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_strictly(model, {**whole, "bias": torch.ones(4)})
