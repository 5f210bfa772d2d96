"""The plan of a training counts what a real model keeps, orders settings as they are, and presets fit their cards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from flows.settings.params import load_params
from jam_model.conditions import Conditions
from jam_model.config import JAM_0_5, Dropout, JamConfig
from jam_model.dit import Jam
from jam_model.flow import flow_loss
from tasks.storage.files import write_json
from tasks.training.adapters import TARGETS, add_adapters, num_learned
from tasks.training.memory import (
    GIB,
    Load,
    adapter_parameters,
    largest_batch,
    load_of,
    memory_of,
    parameters,
    saved_bytes,
)
from tasks.training.pace import Pace, earlier_pace, measured_pace, operations

ROOT = Path(__file__).resolve().parents[3]
PARAMS = load_params()
SMALL = JamConfig(64, 4, 4, 4, 32, 2, 512, 64, 320, 63, True)
ADAPTER = PARAMS.adapter.model_copy(update={"rank": 4})


def load(**changes: Any) -> Load:
    section = PARAMS.sft.model_copy(update={"batch_size": 2, "num_workers": 1, "max_frames": 320})
    return replace(load_of(section, SMALL, None), **changes)


def model_of(one: Load) -> Jam:
    model = Jam(one.config).train()
    model.transformer.gradient_checkpointing = one.activation_checkpointing
    return add_adapters(model, one.adapter, 0) if one.adapter else model


def kept_bytes(one: Load) -> int:
    """Bytes that autograd keeps of a real forward pass, each storage once and the model's own left out."""
    model = model_of(one)
    own = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 63, (one.batch, 4 * one.frames), generator=generator)
    halves = (torch.full((one.batch,), 0.5) for _ in range(3))
    conditions = Conditions(tokens, torch.randn(one.batch, 512, generator=generator), *halves)
    latents = torch.randn(one.batch, one.frames, 64, generator=generator)
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=one.precision == "bfloat16"),
    ):
        loss = flow_loss(model, latents, conditions, Dropout(0.0, 0.0, "jam"), generator).loss
    assert loss.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def test_parameters_and_kept_activations_are_those_of_a_real_model() -> None:
    assert parameters(JAM_0_5) == 532_934_592
    ways: list[dict[str, Any]] = [
        {},
        {"activation_checkpointing": True},
        {"precision": "bfloat16"},
        {"precision": "bfloat16", "activation_checkpointing": True},
        {"adapter": ADAPTER},
        {"adapter": ADAPTER.model_copy(update={"kind": "dora"})},
        {"adapter": ADAPTER.model_copy(update={"kind": "dora"}), "precision": "bfloat16"},
        {"adapter": ADAPTER.model_copy(update={"targets": ("attention",)})},
        {"adapter": ADAPTER, "precision": "bfloat16"},
        {"adapter": ADAPTER, "batch": 3},
        {"batch": 1, "frames": 200},
    ]
    for way in ways:
        one = load(**way)
        assert saved_bytes(one) == pytest.approx(kept_bytes(one), rel=0.04), way
    for kind in ("lora", "dora"):
        every = ADAPTER.model_copy(update={"kind": kind, "targets": tuple(TARGETS)})
        assert num_learned(model_of(load(adapter=every))) == (
            adapter_parameters(SMALL, every),
            parameters(SMALL),
        )


def test_what_saves_memory_is_planned_to_save_it_and_the_largest_batch_is_the_last_that_fits() -> None:
    config = replace(JAM_0_5, max_frames=2000)
    full = replace(load(), config=config, frames=2000)
    for less in (
        {"activation_checkpointing": True},
        {"precision": "bfloat16"},
        {"optimiser": "bitsandbytes_8bit"},
        {"sharding": "full", "workers": 8},
        {"adapter": ADAPTER},
        {"batch": 1},
    ):
        assert memory_of(replace(full, **less)).peak < memory_of(full).peak, less
    pairs = replace(full, rows=3, reference="copy", adapter=ADAPTER, activation_checkpointing=True)
    saved = memory_of(pairs).peak - memory_of(replace(pairs, reference="shared")).peak
    assert saved == 4 * parameters(config)
    offloaded = memory_of(replace(full, sharding="offloaded", workers=8))
    assert offloaded.weights == offloaded.optimiser == 0 < offloaded.host
    room = 79 * GIB
    most = largest_batch(full, room)
    assert memory_of(replace(full, batch=most)).peak <= room < memory_of(replace(full, batch=most + 1)).peak
    assert largest_batch(full, GIB) == 0


def test_a_pace_is_that_of_an_equal_earlier_run_else_a_range_measured_here(tmp_path: Path) -> None:
    section = PARAMS.sft.model_copy(update={"max_frames": 320, "batch_size": 2})
    one = load_of(section, SMALL, None)
    recipe = tmp_path / "run" / "train.json"
    write_json(recipe, {"config": SMALL.to_dict(), "params": section.model_dump(mode="json")})
    assert earlier_pace([recipe], SMALL, section, {}) is None
    (tmp_path / "run" / "log.jsonl").write_text('{"step": 4, "seconds": 10.0}\n')
    assert earlier_pace([recipe], SMALL, section, {}) == Pace(2.5, 2.5, "4 steps of run")
    for other in (replace(SMALL, depth=2), SMALL):
        changed = section if other is not SMALL else section.model_copy(update={"batch_size": 3})
        assert earlier_pace([recipe], other, changed, {}) is None
    assert earlier_pace([recipe], SMALL, section, {"adapter": {"rank": 4}}) is None
    pace = measured_pace(one, section)
    assert pace is not None and 0 < pace.least_s <= pace.most_s
    assert "6 steps here" in pace.source
    assert operations(replace(one, batch=4)) == 2 * operations(one)
    assert measured_pace(one, section.model_copy(update={"gpus_per_worker": 1.0})) is None


def test_each_preset_fits_its_card_with_the_reserve_kept_free() -> None:
    for card in (12, 24, 80):
        params = load_params(ROOT / "params" / f"one_gpu_{card}gb.yaml")
        adapter, room = params.adapter.chosen, (card - params.plan.reserve_gib) * GIB
        config = params.jam.config(params.sft.max_frames)
        assert parameters(config) == parameters(JAM_0_5)
        loads = {
            "sft": load_of(params.sft, config, adapter),
            "dpo": load_of(params.dpo, config, adapter, "shared" if adapter else "copy", rows=2),
        }
        if not adapter:
            crops = replace(config, max_frames=params.pretrain.max_frames)
            loads["pretrain"] = load_of(params.pretrain, crops, None)
        for name, one in loads.items():
            getattr(params, name).rule()
            assert memory_of(one).peak <= room, (card, name)
            assert one.workers == 1 and one.activation_checkpointing
