"""`fit_all`: many small training runs side by side, each alone on a Ray worker of its own, as a sweep trains."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import ray
import torch

from tasks.engine.params import EngineParams
from tasks.engine.pool import connect
from tasks.trainer.loop import Objective, Worker
from tasks.trainer.params import FitParams
from tasks.trainer.ray_train import FitFailed, Run, result, run_there, stands


def fit_all(
    runs: Sequence[Run], engine: EngineParams, progress: Callable[[int, int], None] | None = None
) -> list[dict[str, Any]]:
    """Find, resume or run them all, as many at once as there is room for; their ``done.json``, in order.

    `progress` is called with (finished runs, all runs).

    Raises:
        ValueError: a run asks for more than one worker, or its folder holds a run of another recipe.
        FitFailed: a worker failed more than `max_failures` times.
    """
    for run in runs:
        if run.params.num_workers != 1:
            raise ValueError(
                f"{run.out.name}: num_workers is {run.params.num_workers}; runs side by side have one worker each"
            )
    open_runs = [run for run in runs if not stands(run.out, run.params, run.recipe)]
    if open_runs:
        connect(engine)
    running = {_started(run): run for run in open_runs}
    try:
        while running:
            if progress:
                progress(len(runs) - len(running), len(runs))
            (ready, *_), _ = ray.wait(list(running), num_returns=1)
            run = running.pop(ready)
            try:
                ray.get(ready)
            except ray.exceptions.RayError as error:
                raise FitFailed(f"{run.out.name}: {error}") from error
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
    return [result(run.out) for run in runs]


def _started(run: Run) -> ray.ObjectRef:
    task = _alone.options(
        num_cpus=run.params.threads_per_worker,
        num_gpus=run.params.gpus_per_worker,
        max_retries=run.params.max_failures,
    )
    return task.remote(run.objective, run.params, str(run.out), uuid.uuid4().hex[:8])


@ray.remote
def _alone(objective: Objective, params: FitParams, out: str, attempt: str) -> None:
    device = torch.device("cuda" if params.gpus_per_worker else "cpu")
    run_there(objective, params, out, Worker(0, 1, device), attempt)
