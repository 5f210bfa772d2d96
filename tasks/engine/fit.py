"""Distributed fitting: one resumable loop of optimiser steps, run by Ray Train on any number of workers.

`out` is the state of a run: ``train.json`` (the recipe), ``log.jsonl`` (a line every few steps),
``steps/step-000123/`` (checkpoints), and at the end ``model.safetensors`` with ``config.json`` (the averaged
weights) and ``done.json``. A run that has ``done.json`` is not run again; one that was killed goes on from
its newest whole checkpoint. What is learned is the `Objective`'s business.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
import warnings
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

RECIPE_NAME, LOG_NAME, DONE_NAME, STEPS_NAME = "train.json", "log.jsonl", "done.json", "steps"
Progress = Callable[[int, int, float], None]
"""Called with (finished steps, all steps, latest loss)."""


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


def fit(
    objective: Objective,
    params: FitParams,
    out: Path,
    recipe: dict[str, Any],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run (or resume, or merely find) a run in `out`; returns its ``done.json``.

    Raises:
        ValueError: `out` holds a run of another recipe.
        FitFailed: a worker failed more than `max_failures` times; its own words are in the message.
    """
    out = out.resolve()
    params.rule()
    recipe = json.loads(json.dumps({**recipe, "params": params.model_dump()}))
    standing = out / RECIPE_NAME
    if standing.is_file() and json.loads(standing.read_text()) != recipe:
        raise ValueError(
            f"{out}: holds a run of another recipe ({RECIPE_NAME}); remove it or give another folder"
        )
    done = out / DONE_NAME
    if not done.is_file():
        write_json(standing, recipe)
        for folder in _damaged(out):
            warnings.warn(f"{folder.name} is damaged; going back to the checkpoint before it", stacklevel=2)
        with _Watch(out / LOG_NAME, params.steps, progress):
            _run_on_ray(objective, params, out)
        shutil.rmtree(out / ".ray", ignore_errors=True)
    return json.loads(done.read_text())


class FitFailed(RuntimeError):
    """Training stopped on an error of a worker."""


def _run_on_ray(objective: Objective, params: FitParams, out: Path) -> None:
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.5")  # a finished run is seen at once
    os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # checkpoints are what saves a run
    os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    own = not ray.is_initialized()
    if own:
        cpus = params.num_workers * params.threads_per_worker
        ray.init(num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
    try:
        TorchTrainer(
            _worker_main,
            train_loop_config={"objective": objective, "params": params, "out": str(out)},
            torch_config=TorchConfig(backend="nccl" if params.gpus_per_worker else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=params.num_workers,
                use_gpu=params.gpus_per_worker > 0,
                resources_per_worker={"CPU": params.threads_per_worker, "GPU": params.gpus_per_worker},
            ),
            run_config=RunConfig(
                name="run",
                storage_path=str(out / ".ray"),
                failure_config=FailureConfig(max_failures=params.max_failures),
            ),
        ).fit()
    except ray.train.TrainingFailedError as error:
        failures = getattr(error, "worker_failures", {})
        raise FitFailed(f"{out.name}: {next(iter(failures.values()), error)}") from error
    finally:
        if own:
            ray.shutdown()


def _worker_main(config: dict[str, Any]) -> None:
    import ray.train

    context = ray.train.get_context()
    device = torch.device("cuda" if config["params"].gpus_per_worker else "cpu")
    worker = Worker(context.get_world_rank(), context.get_world_size(), device)
    run_steps(config["objective"], config["params"], Path(config["out"]), worker)


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
        model = cast(Jam, DistributedDataParallel(learner.model, broadcast_buffers=False))
    sums: dict[str, float] = {}
    while learner.step < params.steps and learner.step != stop_at:
        generator = worker.generator(params.seed, learner.step)
        with torch.autocast(worker.device.type, torch.bfloat16, enabled=params.precision == "bfloat16"):
            values = step_loss(model, learner.step, generator)
        rate, norm = learner.update(values["loss"])
        for name, value in {**values, "grad_norm": torch.tensor(norm)}.items():
            sums[name] = sums.get(name, 0.0) + float(value)
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
    damaged = _damaged(out)
    whole = [folder for folder in _checkpoints(out) if folder not in damaged]
    return whole[-1] if whole else None


def _damaged(out: Path) -> list[Path]:
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


class _Watch:
    """Follows the log from the driver and calls `progress`."""

    def __init__(self, log: Path, steps: int, progress: Progress | None) -> None:
        self._log, self._steps, self._progress = log, steps, progress
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> None:
        if self._progress:
            self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._progress:
            self._thread.join()

    def _follow(self) -> None:
        told, ended = -1, False
        while not ended:
            ended = self._ended.wait(1.0)
            lines = self._log.read_text().splitlines(keepends=True) if self._log.is_file() else []
            if lines and lines[-1].endswith("\n") and (line := json.loads(lines[-1]))["step"] != told:
                told = line["step"]
                self._progress(told, self._steps, line["loss"])  # type: ignore[misc]
