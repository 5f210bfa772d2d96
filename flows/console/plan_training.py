"""``jam train --plan`` and ``jam dpo --plan``: what a training would hold (GiB by load), on which card it fits, how long and what it costs.

Nothing is written and nothing is trained, but for a few steps of a small model where nobody has measured a step yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flows.pipelines.checkpoints import named, tuned_checkpoint
from flows.pipelines.flow_inputs import TRAININGS, check_rules
from flows.run.progress import say, say_table
from flows.settings.project import Project
from jam_model.checkpoint import load_config
from jam_model.config import JamConfig
from tasks.preference.pairing import check_guard
from tasks.preference.params import PreferParams
from tasks.trainer.params import FitParams
from tasks.training.adapter_params import AdapterParams
from tasks.training.memory import (
    CARDS_GIB,
    GIB,
    Load,
    Reference,
    largest_batch,
    load_of,
    memory_of,
    parameters,
)
from tasks.training.pace import earlier_pace, measured_pace
from tasks.training.recipe import adapter_recipe
from tasks.training.start import fitting, start_config

PARTS = ("weights", "reference", "gradients", "optimiser", "ema", "exchange", "activations")
OTHER_WORKERS, OTHER_RANK = 8, 16
"""Of the rows that show what sharding and adapters would change."""


def plan_train(project: Project) -> None:
    """The plan of pretraining and fine-tuning, or of fine-tuning foreign weights.

    Raises:
        ValueError: the weights to begin with cannot be used, or settings contradict themselves.
    """
    params = project.params
    check_rules(params, *TRAININGS["train"])
    begins = params.start.sft
    if begins:
        config = _start_config(project, begins)
        fitting(config, params.jam)
    else:
        config = params.jam.config(params.sft.max_frames)
        say_plan(project, "pretrain", params.pretrain, replace(config, max_frames=params.pretrain.max_frames))
    tuned = replace(config, max_frames=params.sft.max_frames)
    say_plan(project, "sft", params.sft, tuned, params.adapter.chosen)


def plan_dpo(project: Project) -> None:
    """The plan of one training of a round.

    Raises:
        ValueError: see `plan_train`.
    """
    params = project.params
    check_rules(params, *TRAININGS["dpo"])
    check_guard(params.pair, params.models.guard_transcriber)
    if params.start.dpo:
        config = _start_config(project, params.start.dpo)
    else:
        try:
            config = load_config(tuned_checkpoint(project.work))
        except ValueError:  # nothing was trained yet
            config = params.jam.config(params.dpo.max_frames)
    say_plan(
        project, "dpo", params.dpo, replace(config, max_frames=params.dpo.max_frames), params.adapter.chosen
    )


def say_plan(
    project: Project,
    name: str,
    section: FitParams,
    config: JamConfig,
    adapter: AdapterParams | None = None,
) -> None:
    """One training: what is learned, memory by settings, largest batches, time and money."""
    plan, load = project.params.plan, _load(section, config, adapter)
    every = parameters(config)
    extra = f" and {load.learned:,} of adapters, which alone are learned" if adapter else ", all learned"
    say(f"{name}: {every:,} parameters{extra}; {section.batch_size} of {config.max_frames} frames in a pass")
    rows = [_row(*one, plan.reserve_gib) for one in _ways(section, config, adapter, project.params.adapter)]
    cards = tuple(f"{card} GB" for card in CARDS_GIB)
    say_table(("GiB of a worker", "learned", *PARTS, "at most", *cards), rows, 190)
    say(
        f"{name}: cards show the largest batch; {plan.reserve_gib:g} GiB of each stay free (plan.reserve_gib); a worker on a CPU "
        "holds its programs besides"
    )
    host = memory_of(load).host
    if host:
        say(f"{name}: {host / GIB:.2f} GiB of main memory a worker hold what the card does not")
    say_time(project, name, section, load, adapter)


def say_time(
    project: Project, name: str, section: FitParams, load: Load, adapter: AdapterParams | None
) -> None:
    """How long its steps would take, and what that costs."""
    price, work = project.params.plan.price_per_device_hour, project.work
    rounds = isinstance(section, PreferParams)
    recipes = sorted(
        work.rounds.glob("*/*/*/train.json") if rounds else work.checkpoint(name).glob("*/train.json")
    )
    pace = earlier_pace(recipes, load.config, section, adapter_recipe(adapter)) or measured_pace(
        load, section
    )
    if pace is None:
        say(
            f"{name}: time is not known: gpus_per_worker is {section.gpus_per_worker:g}, this machine has no GPU to measure "
            "a step on; plan where it will run"
        )
        return
    least, most = (seconds * section.steps / 3600 for seconds in (pace.least_s, pace.most_s))
    say(
        f"{name}: {section.steps} steps of {_range(pace.least_s, pace.most_s, 's')}: {_range(least, most, 'hours')}, from {pace.source}"
    )
    devices = section.num_workers * (section.gpus_per_worker or 1.0)
    if price is None:
        say(f"{name}: money is not told; give plan.price_per_device_hour")
    else:
        cost = devices * price
        in_all = _range(least * cost, most * cost, "in all")
        say(f"{name}: {devices:g} devices at {price:g} an hour: {in_all}")


def _ways(
    section: FitParams, config: JamConfig, adapter: AdapterParams | None, asked: AdapterParams
) -> Iterator[tuple[str, Load]]:
    """The load as it is set, then with one setting otherwise."""
    load = _load(section, config, adapter)
    yield "as set", load
    on = not load.activation_checkpointing
    yield f"activation_checkpointing: {str(on).lower()}", replace(load, activation_checkpointing=on)
    half = "bfloat16" if load.precision == "float32" else "float32"
    yield f"precision: {half}", replace(load, precision=half)
    eight = "adamw" if load.optimiser != "adamw" else "bitsandbytes_8bit"
    yield f"optimiser: {eight}", replace(load, optimiser=eight)
    workers = load.workers if load.workers > 1 else OTHER_WORKERS
    if load.sharding == "none" and adapter is None:
        yield f"sharding: full, {workers} workers", replace(load, sharding="full", workers=workers)
        yield (
            f"sharding: offloaded, {workers} workers",
            replace(load, sharding="offloaded", workers=workers),
        )
    other = None if adapter else asked.model_copy(update={"rank": OTHER_RANK})
    shown = f"adapter.rank: {other.rank if other else 0}"
    otherwise = _load(section, config, other)
    yield shown, otherwise
    if load.reference == "shared":
        yield "a reference of its own", replace(load, reference="copy")


def _load(section: FitParams, config: JamConfig, adapter: AdapterParams | None) -> Load:
    """The load of a section; of a round, whose reference is the bare base where adapters are learned."""
    if not isinstance(section, PreferParams):
        return load_of(section, config, adapter)
    reference: Reference = "shared" if adapter else "copy"
    return load_of(section, config, adapter, reference, rows=3 if section.term == "gt" else 2)


def _row(name: str, load: Load, reserve_gib: float) -> list[str]:
    memory = memory_of(load)
    cells = [f"{getattr(memory, part) / GIB:.2f}" for part in PARTS]
    fits = [largest_batch(load, (card - reserve_gib) * GIB) for card in CARDS_GIB]
    return [
        name,
        f"{load.learned / 1e6:.1f} M",
        *cells,
        f"{memory.peak / GIB:.2f}",
        *(str(batch) if batch else "-" for batch in fits),
    ]


def _start_config(project: Project, weights: str) -> JamConfig:
    params = project.params
    return start_config(named(weights), params.start, params.jam, params.sft.max_frames)


def _range(least: float, most: float, unit: str) -> str:
    low, high = f"{least:.3g}", f"{most:.3g}"
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"
