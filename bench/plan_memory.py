"""What `jam train --plan` says a training holds, beside what real steps of it hold on this machine.

python bench/plan_memory.py [--frames 96 256] [--steps 2] [--only lora] [--full]

Each case is a process of its own that runs the loop of a training (`run_steps`) on random songs to its end, the averaged model and its
validation among it, as the plan counts them; measured is the peak of its resident memory less its size just before the model is
built, after a step of a tiny model, which loads the programs. On a CPU that is
all there is to measure; on a card the allocator's own peak would be. Every tensor of 64 KiB or more is mapped by itself
(MALLOC_MMAP_THRESHOLD_), so that what was freed is gone; `--heap` leaves it to glibc, which keeps some. `--full` adds the 530M
with adapters. The file is written after each case.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from bench.measuring import machine, options_parser, write_result
from flows.settings.params import load_params
from jam_model.checkpoint import fresh_model
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JAM_0_5, Dropout, JamConfig
from jam_model.dit import Jam
from jam_model.flow import flow_loss
from jam_model.preference import dpo_loss
from jam_model.training_facts import UNKNOWN, TrainingFacts
from tasks.preference.params import PreferParams
from tasks.trainer.heard import HeardSong
from tasks.trainer.loop import StepLoss, Worker, run_steps, unwrapped
from tasks.trainer.params import FitParams
from tasks.training.adapters import add_adapters, bare_base
from tasks.training.memory import GIB, Load, load_of, memory_of

MIDDLE = replace(JAM_0_5, dim=640, depth=8, heads=16, text_dim=256)
WIDE = replace(JAM_0_5, dim=896, depth=4, heads=16, text_dim=384)
DEEP = replace(JAM_0_5, dim=448, depth=16, heads=8, text_dim=256)
TINY = {"dim": 64, "depth": 2, "heads": 2, "text_dim": 32, "text_layers": 1}
NEVER = Dropout(0.0, 0.0, "jam")
LORA, DORA = {"rank": 16, "kind": "lora"}, {"rank": 16, "kind": "dora"}
CASES: dict[str, dict[str, Any]] = {
    "full": {"config": MIDDLE},
    "lora": {"config": MIDDLE, "adapter": LORA},
    "dpo, lora, shared base": {"config": WIDE, "prefer": True, "adapter": LORA},
    "dpo, lora, a reference of its own": {"config": WIDE, "prefer": True, "adapter": LORA, "own": True},
    "full, checkpointed": {"config": DEEP, "section": {"activation_checkpointing": True}},
    "dora": {"config": MIDDLE, "adapter": DORA},
    "dpo": {"config": WIDE, "prefer": True},
    "lora, checkpointed": {"config": WIDE, "adapter": LORA, "section": {"activation_checkpointing": True}},
    "full, gathered": {"config": WIDE, "section": {"gradient_accumulation_steps": 2}},
    "full, bfloat16": {"config": WIDE, "section": {"precision": "bfloat16"}},
}
FULL = {"config": JAM_0_5, "adapter": LORA, "section": {"activation_checkpointing": True}, "batch": 1}


@dataclass(frozen=True)
class RandomSongs:
    """An objective whose songs and conditions are noise."""

    section: FitParams
    load: Load
    wandb: ClassVar[None] = None
    hear_every_steps: ClassVar[int] = 0

    def build(self) -> Jam:
        """Fresh weights, with adapters where they are asked for."""
        model = fresh_model(self.load.config, 0)
        return add_adapters(model, self.load.adapter, 0) if self.load.adapter else model

    def start(self, worker: Worker) -> StepLoss:
        """Losses as the trainings compute them."""
        references: list[Jam] = []

        def step_loss(model: Jam, step: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
            load = self.load
            songs = [torch.randn(load.batch, load.frames, 64, generator=generator) for _ in range(load.rows)]
            conditions = random_conditions(load, generator)
            if load.reference == "none":
                return {"loss": flow_loss(model, songs[0], conditions, NEVER, generator).loss}
            if not references:
                base = unwrapped(model)
                references.append(bare_base(base) if load.reference == "shared" else self._copy(base))
            truth = songs[2] if load.rows > 2 else None
            term = "none" if truth is None else "gt"
            loss = dpo_loss(
                model, references[0], *songs[:2], conditions, 2000.0, term, 0.2, truth, NEVER, generator
            )
            return {"loss": loss.loss}

        return step_loss

    def _copy(self, model: Jam) -> Jam:
        return fresh_model(model.config, 0).train().requires_grad_(False)

    def validate(self, model: Jam, worker: Worker) -> dict[str, Any]:
        """One pass of the averaged model, and of a reference where there is one."""
        load, generator = self.load, torch.Generator().manual_seed(0)
        models = [model] + ([self._copy(model)] if load.reference != "none" else [])
        songs = torch.randn(load.batch, load.frames, 64, generator=generator)
        with torch.no_grad():
            for one in models:
                flow_loss(one, songs, random_conditions(load, generator), NEVER, generator)
        return {}

    def hear(self, model: Jam, worker: Worker) -> list[HeardSong]:
        """Nothing is generated."""
        return []

    def facts(self) -> TrainingFacts:
        """Nothing is known."""
        return UNKNOWN

    def adapter_facts(self) -> dict[str, str]:
        """Of no base."""
        return {}


def random_conditions(load: Load, generator: torch.Generator) -> Conditions:
    """Of a batch of songs as long as the load's frames."""
    durations = duration_conditions(load.frames, load.frames)
    return Conditions(
        torch.randint(0, 64, (load.batch, 4 * load.frames), generator=generator),
        torch.randn(load.batch, load.config.style_dim, generator=generator),
        *(torch.full((load.batch,), value) for value in durations),
    )


def load_of_case(case: dict[str, Any], frames: int) -> tuple[FitParams, Load]:
    """The section and the load of a case at a length."""
    params = load_params()
    section: FitParams = params.dpo if case.get("prefer") else params.sft
    changes = {
        "num_workers": 1,
        "batch_size": case.get("batch", 2),
        "steps": 100,
        "checkpoint_every_steps": 100,
    }
    changes |= {"validate_every_steps": 0, "best_by": "none", "log_every_steps": 100, "max_frames": frames}
    section = section.model_copy(update={**changes, **case.get("section", {})})
    adapter = params.adapter.model_copy(update=case["adapter"]) if "adapter" in case else None
    config: JamConfig = replace(case["config"], max_frames=frames)
    if not isinstance(section, PreferParams):
        return section, load_of(section, config, adapter)
    shared = adapter is not None and not case.get("own")
    return section, load_of(section, config, adapter, "shared" if shared else "copy", rows=3)


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024


def measure(section: FitParams, load: Load, steps: int, threads: int, sender: Any) -> None:
    """Runs the steps; sends the peak less what was there before."""
    section = section.model_copy(update={"threads_per_worker": threads})
    tiny = replace(load, config=replace(load.config, **TINY), frames=16)
    section = section.model_copy(update={"steps": steps})
    run(section, tiny)
    before = resident("VmRSS")
    run(section, load)
    sender.send(resident("VmHWM") - before)


def run(section: FitParams, load: Load) -> None:
    """The loop, in a folder that goes."""
    with tempfile.TemporaryDirectory() as folder:
        run_steps(RandomSongs(section, load), section, Path(folder), Worker(0, 1, torch.device("cpu")))


def measured(section: FitParams, load: Load, given: argparse.Namespace) -> int:
    """`measure` in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(section, load, given.steps, given.threads, sender))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"a case ended with {process.exitcode}")
    return int(receiver.recv())


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[96, 256])
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--heap", action="store_true")
    parser.add_argument("--name", default="plan_memory")
    given = parser.parse_args()
    cases = [(name, case, frames) for frames in reversed(given.frames) for name, case in CASES.items()]
    cases = [case for case in cases if not given.only or given.only in case[0]]
    cases += [("530M, lora, checkpointed", FULL, 646)] if given.full else []
    if not given.heap:
        os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**16)
    rows: list[dict[str, Any]] = []
    for name, case, frames in cases:
        section, load = load_of_case(case, frames)
        planned, found = memory_of(load).peak, measured(section, load, given)
        row = {
            "case": name,
            "frames": frames,
            "batch": load.batch,
            "planned_gib": round(planned / GIB, 3),
            "measured_gib": round(found / GIB, 3),
            "ratio": round(planned / found, 3),
        }
        rows.append(row)
        ratios = [row["ratio"] for row in rows]
        result = {"machine": machine(), "steps": given.steps, "heap": given.heap}
        write_result(given.name, {**result, "ratio_range": [min(ratios), max(ratios)], "cases": rows})


if __name__ == "__main__":
    main()
