"""What real models share: sound at a rate of their own, and weights of which every tensor finds its place."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tasks.models.real.common import load_strictly, mono_at, read_state
from tests.every import every


@every("rate_hz", [16_000, 24_000])
def test_a_tone_in_the_middle_stays_and_one_at_the_sides_goes(rate_hz: int) -> None:
    time_N = np.arange(44_100) / 44_100
    middle_N, side_N = np.sin(2 * np.pi * 440 * time_N), np.sin(2 * np.pi * 1000 * time_N)
    mono_N = mono_at(np.stack([middle_N + side_N, middle_N - side_N]).astype(np.float32), rate_hz)
    assert mono_N.shape == (rate_hz,) and mono_N.dtype == np.float32
    expected_N = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    np.testing.assert_allclose(mono_N[500:-500], expected_N[500:-500], atol=1e-3)


@every("mix_CN", [np.zeros((2, 0)), np.zeros((1, 9)), np.full((2, 9), np.inf)])
def test_what_is_no_mix_is_refused(mix_CN: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a mix is finite \[2, N\]"):
        mono_at(mix_CN, 16_000)


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
