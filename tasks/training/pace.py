"""How long a training would take, before it runs: operations of a step, and the speed of this machine, from an earlier run or measured.

An earlier run of the same sizes and settings says what a step took. Without one, a model of one and of two layers is trained for
a few steps here; the slowest and the fastest step give a range. The true model is larger, so neither end is a promise.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jam_model.config import JamConfig
from tasks.trainer.log import LOG_NAME
from tasks.trainer.params import FULL_PRECISION, FitParams
from tasks.training.memory import Load, block_parameters, parameters

MEASURED_FRAMES, MEASURED_STEPS, MEASURED_DEPTHS = 128, 3, (1, 2)
OF_A_STEP = (
    *("batch_size", "gradient_accumulation_steps", "num_workers", "threads_per_worker", "gpus_per_worker"),
    *("precision", "compile", "activation_checkpointing", "max_frames", "sharding", "optimiser"),
)
"""The settings that a step's time depends on."""


@dataclass(frozen=True)
class Pace:
    """Seconds of an optimiser step, from and to, and where they are from."""

    least_s: float
    most_s: float
    source: str


def operations(load: Load) -> float:
    """Floating-point operations of one micro-batch: two a parameter and frame forward, twice that backward, and the products of
    attention; blocks once more where activations are computed twice, pairs once more in the reference.
    """
    config, frames = load.config, load.num_frames
    per_frame = 2.0 * block_parameters(config) + 4.0 * load.frames * config.dim
    blocks = config.depth * per_frame * frames
    others = 2.0 * (parameters(config) - config.depth * block_parameters(config)) * frames
    passes = 3 + load.activation_checkpointing
    reference = 0.0 if load.reference == "none" else 2 / load.rows
    return blocks * (passes + reference) + others * (3 + reference)


def earlier_pace(
    recipes: Sequence[Path], config: JamConfig, section: FitParams, adapter: Mapping[str, Any]
) -> Pace | None:
    """The pace of a run of these sizes and settings, finished or not, by its log; None where none of the recipes is one.

    `adapter`: what its recipe says of adapters.
    """
    asked = json.loads(section.model_dump_json())
    for recipe in recipes:
        found, log = json.loads(recipe.read_text()), recipe.parent / LOG_NAME
        then = found.get("params", {})
        same = all(then.get(name) == asked.get(name) for name in OF_A_STEP)
        same &= found.get("config", config.to_dict()) == config.to_dict()
        same &= found.get("adapter") == adapter.get("adapter")
        lines = log.read_text().splitlines() if same and log.is_file() else []
        if lines:
            last = json.loads(lines[-1])
            step_s = last["seconds"] / last["step"]
            return Pace(step_s, step_s, f"{last['step']} steps of {recipe.parent.name}")
    return None


def measured_pace(load: Load, section: FitParams) -> Pace | None:
    """The pace that a small model of the same widths has here, carried over to the load by its operations; None where the
    section asks for GPUs and there is none.
    """
    import torch

    if section.gpus_per_worker and not torch.cuda.is_available():
        return None
    threads = torch.get_num_threads()
    torch.set_num_threads(section.threads_per_worker)
    try:
        rates = [rate for depth in MEASURED_DEPTHS for rate in _rates(load, section, depth)]
    finally:
        torch.set_num_threads(threads)
    whole = operations(load) * section.gradient_accumulation_steps
    source = f"{len(rates)} steps here of one worker and {' and '.join(map(str, MEASURED_DEPTHS))} layers"
    return Pace(whole / max(rates), whole / min(rates), source)


def _rates(load: Load, section: FitParams, depth: int) -> list[float]:
    """Operations a second of each of some steps of a model of so many layers, the first left out."""
    import torch

    from jam_model.checkpoint import fresh_model
    from jam_model.conditions import Conditions, duration_conditions
    from jam_model.config import Dropout
    from jam_model.flow import flow_loss
    from jam_model.train_state import TrainState
    from tasks.training.adapters import add_adapters

    device = torch.device("cuda" if section.gpus_per_worker else "cpu")
    frames = min(MEASURED_FRAMES, load.frames)
    config = replace(load.config, depth=depth, max_frames=frames)
    small = replace(
        load, config=config, batch=1, frames=frames, rows=1, reference="none", activation_checkpointing=False
    )
    model = fresh_model(config, section.seed)
    if load.adapter:
        add_adapters(model, load.adapter, section.seed)
    state = TrainState(model.to(device).train(), section.rule())
    generator = torch.Generator().manual_seed(section.seed)
    start, absolute, relative = (torch.tensor([value]) for value in duration_conditions(frames, frames))
    conditions = Conditions(
        torch.randint(0, 64, (1, 4 * frames), generator=generator),
        torch.randn(1, config.style_dim, generator=generator),
        start,
        absolute,
        relative,
    ).to(device)
    latents_BTC = torch.randn(1, frames, config.latent_channels, generator=generator).to(device)
    half = torch.float16 if section.precision == "float16" else torch.bfloat16
    found = []
    for _ in range(MEASURED_STEPS + 1):
        begun = time.perf_counter()
        state.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, half, enabled=section.precision != FULL_PRECISION):
            loss = flow_loss(model, latents_BTC, conditions, Dropout(0.0, 0.0, "jam"), generator).loss
        loss.backward()
        state.update()
        if device.type == "cuda":
            torch.cuda.synchronize()
        found.append(operations(small) / (time.perf_counter() - begun))
    return found[1:]
