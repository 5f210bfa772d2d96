"""Weights from elsewhere: sizes by their shapes, names by the released ones, averages before what was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from jam_model.checkpoint import WEIGHTS_FILE, load_model
from jam_model.config import JAM_0_5, JamConfig
from jam_model.dit import Jam
from tasks.training.foreign_weights import read_weights, weights_in
from tasks.training.sizes import PRESETS, config_of_shapes, preset_of, sizes_of
from tests.tasks.stages.generated.test_generate import TINY


def jam_of(seed: int) -> Jam:
    torch.manual_seed(seed)
    return Jam(TINY)


def shapes_of(config: JamConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in Jam(config).state_dict().items()}


def test_all_sizes_but_heads_and_max_frames_are_read_from_shapes():
    tiny = TINY
    for config in (tiny, replace(tiny, dim=64, depth=4, ff_mult=3, text_layers=3), JAM_0_5):
        for implicit in (True, False):
            asked = replace(config, use_implicit_duration=implicit)
            untold = {"heads": config.heads, "max_frames": config.max_frames}
            assert config_of_shapes(shapes_of(asked), **untold) == asked
    shapes = shapes_of(JAM_0_5)
    assert preset_of(shapes) == "jam-0.5"
    assert config_of_shapes(shapes, "jam-0.5") == JAM_0_5 == PRESETS["jam-0.5"]
    assert preset_of(shapes_of(tiny)) is None
    with pytest.raises(
        ValueError, match=r"shapes do not tell heads and max_frames; name a preset \(jam-0\.5\)"
    ):
        config_of_shapes(shapes_of(tiny))
    with pytest.raises(ValueError, match=r"'jam-9' is none of jam-0\.5"):
        config_of_shapes(shapes_of(tiny), "jam-9")
    del shapes["transformer.proj_out.weight"]
    with pytest.raises(ValueError, match=r"no tensor transformer\.proj_out\.weight.*these are other weights"):
        sizes_of(shapes)
    with pytest.raises(ValueError, match="has 1 dimensions where JAM has 2"):
        sizes_of({**shapes, "transformer.proj_out.weight": (4,)})


def test_names_lose_what_wrappers_put_before_them_and_averages_come_first(tmp_path: Path):
    trained, averaged = jam_of(1).state_dict(), jam_of(2).state_dict()
    for name, stored, is_average in (
        ("plain.pt", trained, False),
        ("wrapped.pt", {"model_state_dict": {f"module._orig_mod.{k}": v for k, v in trained.items()}}, False),
        (
            "both.pt",
            {
                "model_state_dict": trained,
                "ema_model_state_dict": {
                    **{f"ema_model.{k}": v for k, v in averaged.items()},
                    **{f"online_model.{k}": v for k, v in trained.items()},
                    "initted": torch.tensor(True),
                    "step": torch.tensor(7),
                },
                "optimizer_state_dict": {"state": {}},
            },
            True,
        ),
    ):
        torch.save(stored, tmp_path / name)
        found = read_weights(weights_in(tmp_path / name))
        expected = averaged if is_average else trained
        assert found.tensors.keys() == expected.keys(), name
        assert all(torch.equal(found.tensors[key], expected[key]) for key in expected), name
        assert found.taken == f"{'EMA weights' if is_average else 'weights'} of {name}"


def test_a_trainers_folder_gives_its_average_else_what_was_trained(tmp_path: Path):
    (tmp_path / "states").mkdir()
    save_file(jam_of(1).state_dict(), tmp_path / "states" / WEIGHTS_FILE)
    assert read_weights(weights_in(tmp_path)).taken == "weights of model.safetensors"
    save_file(jam_of(2).state_dict(), tmp_path / "ema_model.safetensors")
    assert read_weights(weights_in(tmp_path)).taken == "EMA weights of ema_model.safetensors"


def test_what_is_no_weights_is_refused_by_name(tmp_path: Path):
    tensors = jam_of(0).state_dict()
    whole = tmp_path / "whole.safetensors"
    save_file(tensors, whole)
    (tmp_path / "half.safetensors").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    save_file(
        {**tensors, "transformer.proj_out.bias": torch.zeros(4, dtype=torch.int8)},
        tmp_path / "int.safetensors",
    )
    torch.save({**tensors, **{f"module.{k}": v for k, v in tensors.items()}}, tmp_path / "twice.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("weights")
    torch.save({"path": tmp_path}, tmp_path / "object.pt")
    for name, said in (
        ("half.safetensors", "is not a whole safetensors file"),
        ("int.safetensors", "transformer.proj_out.bias of int.safetensors holds int8; float32, float16 or"),
        ("twice.pt", "holds transformer.* twice"),
        ("list.pt", "holds no state_dict"),
        ("text.pt", "is no file of torch"),
        ("object.pt", "cannot be read as tensors alone"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            read_weights(tmp_path / name)
        assert "\n" not in str(caught.value), name
    for name, said in (("missing.pt", "does not exist"), ("", "no single .safetensors")):
        with pytest.raises(ValueError, match=said):
            weights_in(tmp_path / name)


def test_half_precision_weights_become_a_float32_model(tmp_path: Path):
    jam = jam_of(0)
    (tmp_path / "m").mkdir()
    save_file({k: v.half() for k, v in jam.state_dict().items()}, tmp_path / "m" / WEIGHTS_FILE)
    found = read_weights(weights_in(tmp_path / "m"))
    assert {tensor.dtype for tensor in found.tensors.values()} == {torch.float16}
    assert {value.dtype for value in load_model(tmp_path / "m", jam.config).state_dict().values()} == {
        torch.float32
    }
