"""The steps of a run on one worker: a resumable loop over any objective, with its log and checkpoints.

`out` is the state of a run: ``log.jsonl`` (a line every few steps), ``steps/step-000123/`` (checkpoints),
and at the end ``model.safetensors`` with ``config.json`` (the averaged weights) and ``done.json``. A run that
was killed goes on from its newest whole checkpoint. What is learned is the `Objective`'s business.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.distributed as distributed
from torch.nn.parallel import DistributedDataParallel

from jam_model.checkpoint import save_model
from jam_model.dit import Jam
from jam_model.learner import DamagedCheckpoint, Learner, UpdateRule, check_checkpoint
from tasks.engine.files import write_json
from tasks.engine.stage import Section

LOG_NAME, DONE_NAME, STEPS_NAME = "log.jsonl", "done.json", "steps"


class FitParams(Section):
    """How a run of optimiser steps goes. `batch_size` is a worker's; `decay_start` a share of `steps`."""

    seed: int
    steps: int
    batch_size: int
    num_workers: int
    threads_per_worker: int
    gpus_per_worker: float
    precision: str  # float32 | bfloat16
    learning_rate: float
    warmup_steps: int
    decay_start: float
    final_share: float
    beta1: float
    beta2: float
    weight_decay: float
    clip_norm: float
    ema_decay: float
    log_every_steps: int
    checkpoint_every_steps: int
    keep_checkpoints: int
    max_failures: int

    def rule(self) -> UpdateRule:
        """The optimiser's part.

        Raises:
            ValueError: checkpoints would fall between log lines, or the precision is unknown.
        """
        if self.checkpoint_every_steps % self.log_every_steps:
            raise ValueError(
                f"checkpoint_every_steps {self.checkpoint_every_steps} is no multiple of log_every_steps "
                f"{self.log_every_steps}; a resumed log would differ: make it one"
            )
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {self.precision!r} is unknown; choose float32 or bfloat16")
        return UpdateRule(
            steps=self.steps,
            learning_rate=self.learning_rate,
            warmup_steps=self.warmup_steps,
            decay_start=self.decay_start,
            final_share=self.final_share,
            betas=(self.beta1, self.beta2),
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
            ema_decay=self.ema_decay,
        )


@dataclass(frozen=True)
class Worker:
    """Which of the workers this is, and where it computes."""

    rank: int
    num_workers: int
    device: torch.device

    def generator(self, seed: int, step: int) -> torch.Generator:
        """The noise of one step of this worker: a CPU generator that depends on nothing else."""
        words = np.random.SeedSequence([seed, step, self.rank]).generate_state(2)
        return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


class Objective(Protocol):
    """What a run learns. Travels to the workers: plain values and absolute paths, nothing built."""

    def build(self) -> Jam:
        """The model the run starts from."""
        ...

    def start(self, worker: Worker) -> StepLoss:
        """Open the data on this worker; returns the loss of a step."""
        ...

    def validate(self, model: Jam, worker: Worker) -> dict[str, Any]:
        """Figures of the finished model, for ``done.json``; runs on the first worker only."""
        ...


StepLoss = Callable[[Jam, int, torch.Generator], dict[str, torch.Tensor]]
"""(model (or its DDP wrapper), step, generator) -> scalars; ``loss`` is what the step goes down, the others are logged."""


def run_steps(
    objective: Objective, params: FitParams, out: Path, worker: Worker, stop_at: int | None = None
) -> None:
    """This worker's part of a run: from the newest whole checkpoint to the last step.

    `stop_at` ends early, as a kill would, without the closing files.
    """
    torch.set_num_threads(params.threads_per_worker)
    learner = Learner(objective.build().to(worker.device), params.rule())
    step_loss = objective.start(worker)
    newest = newest_checkpoint(out)
    spent_s = learner.load(newest)["seconds"] if newest else 0.0
    log = _Log(out / LOG_NAME, learner.step, spent_s) if worker.rank == 0 else None
    model = learner.model.train()
    if worker.num_workers > 1:
        model = cast(Jam, DistributedDataParallel(learner.model))
    sums: dict[str, float] = {}
    while learner.step < params.steps and learner.step != stop_at:
        generator = worker.generator(params.seed, learner.step)
        with torch.autocast(worker.device.type, torch.bfloat16, enabled=params.precision == "bfloat16"):
            values = step_loss(model, learner.step, generator)
        rate, norm = learner.update(values["loss"])
        for name, value in {**values, "grad_norm": torch.tensor(norm)}.items():
            sums[name] = sums.get(name, 0.0) + value.item()
        if learner.step % params.log_every_steps == 0 or learner.step == params.steps:
            count = (learner.step - 1) % params.log_every_steps + 1
            means = _mean_over_workers({name: value / count for name, value in sums.items()}, worker)
            sums = {}
            if log:
                log.write(learner.step, {"learning_rate": rate, **means})
        if log and (learner.step % params.checkpoint_every_steps == 0 or learner.step == params.steps):
            learner.save(out / STEPS_NAME / f"step-{learner.step:06d}", {"seconds": log.seconds()})
            for old in _checkpoints(out)[: -params.keep_checkpoints]:
                shutil.rmtree(old)
    if log and learner.step == params.steps:
        learner.load_average()
        digest = save_model(out, learner.model.eval())
        figures = objective.validate(learner.model, worker)
        write_json(out / DONE_NAME, {"steps": params.steps, "weights": digest, "figures": figures})
    if worker.num_workers > 1:
        distributed.barrier()


def newest_checkpoint(out: Path) -> Path | None:
    """The newest checkpoint whose files are all as written."""
    damaged = damaged_checkpoints(out)
    whole = [folder for folder in _checkpoints(out) if folder not in damaged]
    return whole[-1] if whole else None


def damaged_checkpoints(out: Path) -> list[Path]:
    """Checkpoints newer than the newest whole one."""
    found = []
    for folder in reversed(_checkpoints(out)):
        try:
            check_checkpoint(folder)
            break
        except DamagedCheckpoint:
            found.append(folder)
    return found


def _checkpoints(out: Path) -> list[Path]:
    return sorted((out / STEPS_NAME).glob("step-*"))


def _mean_over_workers(values: dict[str, float], worker: Worker) -> dict[str, float]:
    if worker.num_workers == 1:
        return values
    tensor = torch.tensor(list(values.values()), dtype=torch.float64, device=worker.device)
    distributed.all_reduce(tensor)
    return dict(zip(values, (tensor / worker.num_workers).tolist(), strict=True))


class _Log:
    """``log.jsonl``: cut back to the step a run resumes from, then a line at a time."""

    def __init__(self, path: Path, step: int, spent_s: float) -> None:
        lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        self._file = path.open("w")
        self._file.writelines(kept)
        self._file.flush()
        self._start = time.monotonic() - spent_s

    def seconds(self) -> float:
        """Training time so far, over all resumptions."""
        return round(time.monotonic() - self._start, 3)

    def write(self, step: int, values: dict[str, float]) -> None:
        line = {"step": step, **{name: float(f"{value:.8g}") for name, value in values.items()}}
        self._file.write(json.dumps({**line, "seconds": self.seconds()}) + "\n")
        self._file.flush()
