"""Distributed fitting (`fit`, `Run`): the steps of a run on Ray Train's workers (gloo, attempts), found, resumed or run as its recipe says.

A run that has ``done.json`` is not run again; ``train.json`` keeps the recipe it was made from.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tasks.storage.files import remove_tree, write_json
from tasks.storage.lease import Fence, fence_over
from tasks.storage.object_store import StorePath, place_of
from tasks.trainer.checkpoints import damaged_checkpoints
from tasks.trainer.log import LOG_NAME
from tasks.trainer.loop import Objective, Worker, run_steps
from tasks.trainer.params import FitParams, learned_by
from tasks.trainer.run_folder import DONE_NAME, RAY_NAME, RECIPE_NAME, RunFolder

Progress = Callable[[int, int, float], None]
"""Called with (finished steps, all steps, latest loss)."""


@dataclass(frozen=True)
class Run:
    """A run of optimiser steps: what it learns, how, where it lies (absolute), and what it is made from."""

    objective: Objective
    params: FitParams
    out: Path
    recipe: dict[str, Any]


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
    if not stands(out, params, recipe):
        with _Watch(out / LOG_NAME, params.steps, progress):
            _run_on_ray(objective, params, out)
    if (out / RAY_NAME).is_dir():
        remove_tree(out / RAY_NAME)
    return result(out)


def stands(out: Path, params: FitParams, recipe: dict[str, Any]) -> bool:
    """Whether `out` holds the finished run of this recipe; a new run's recipe is written down.

    Raises:
        ValueError: `out` holds a run of another recipe, or the params contradict themselves.
    """
    params.rule()
    recipe = json.loads(json.dumps({**recipe, "params": params.model_dump()}))
    standing = out / RECIPE_NAME
    if standing.is_file() and _decides(json.loads(standing.read_text())) != _decides(recipe):
        raise ValueError(
            f"{out}: holds a run of another recipe ({RECIPE_NAME}); remove it or give another folder"
        )
    if (out / DONE_NAME).is_file():
        return True
    write_json(standing, recipe)
    for folder in damaged_checkpoints(out):
        warnings.warn(f"{folder.name} is damaged; going back to the checkpoint before it", stacklevel=3)
    return False


def _decides(recipe: dict[str, Any]) -> dict[str, Any]:
    return {**recipe, "params": learned_by(recipe["params"])}


def result(out: Path) -> dict[str, Any]:
    """The ``done.json`` of a finished run."""
    return json.loads((out / DONE_NAME).read_text())


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
            train_loop_config={
                "objective": objective,
                "params": params,
                "out": str(out),
                "fence": fence_over(out),
                "attempt": uuid.uuid4().hex[:8],
            },
            torch_config=TorchConfig(backend=_backend(params)),
            scaling_config=ScalingConfig(
                num_workers=params.num_workers,
                use_gpu=params.gpus_per_worker > 0,
                resources_per_worker={"CPU": params.threads_per_worker, "GPU": params.gpus_per_worker},
            ),
            run_config=RunConfig(
                name="run",
                **_ray_storage(out / RAY_NAME),
                failure_config=FailureConfig(max_failures=params.max_failures),
            ),
        ).fit()
    except ray.train.TrainingFailedError as error:
        failures = getattr(error, "worker_failures", {})
        raise FitFailed(f"{out.name}: {next(iter(failures.values()), error)}") from error
    finally:
        if own:
            ray.shutdown()


def _backend(params: FitParams) -> str:
    """What workers exchange tensors by; parts that lie in main memory are summed by gloo there."""
    if not params.gpus_per_worker:
        return "gloo"
    return "cpu:gloo,cuda:nccl" if params.offloads_weights else "nccl"


def _worker_main(config: dict[str, Any]) -> None:
    import ray.train

    context = ray.train.get_context()
    device = torch.device("cuda" if config["params"].gpus_per_worker else "cpu")
    worker = Worker(context.get_world_rank(), context.get_world_size(), device)
    run_there(
        config["objective"], config["params"], config["out"], worker, config["attempt"], config["fence"]
    )


def run_there(
    objective: Objective,
    params: FitParams,
    out: str,
    worker: Worker,
    attempt: str,
    fence: Fence | None = None,
) -> None:
    """This worker's part of a run whose folder is named by text; it may be in a store."""
    folder = RunFolder(place_of(out), attempt)
    folder.bring()
    run_steps(objective, params, folder.here, worker, commit=folder.send, fence=fence)
    folder.leave()


def _ray_storage(place: Path) -> dict[str, Any]:
    """Where Ray Train keeps its own notes while a run lasts."""
    if isinstance(place, StorePath):
        return {"storage_path": str(place.path), "storage_filesystem": place.filesystem}
    return {"storage_path": str(place)}


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
