"""The actor pool: long-lived worker processes that keep their models and can die without harm.

Only partition numbers, recipes and receipts pass through Ray; every worker reads and writes storage
itself. A dead worker is replaced, and what it was doing comes back as a `Crash`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ray

from tasks.engine.fingerprint import canonical, stage_recipe
from tasks.engine.partition import Receipt, Work, run_alone, run_partition
from tasks.engine.stage import BadModel, Section, Stage


class EngineParams(Section):
    """How stages run. None of it is part of a fingerprint."""

    partition_size: int
    address: str | None
    num_workers: int | None
    cpus_per_worker: float
    gpus_per_worker: float
    threads_per_worker: int
    object_store_mb: int
    song_limit_s: float
    song_limit_per_audio_s: float


@dataclass(frozen=True)
class Crash:
    """A worker process ended in the middle of something: the song's fault, or the machine's."""

    reason: str  # worker_died | out_of_memory | timed_out
    detail: str


class StageFailed(RuntimeError):
    """A stage raised something that is no SongError: a fault of the code, the machine or the params."""


@ray.remote(max_restarts=0, max_task_retries=0)
class _Worker:
    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}

    def run(self, stage: Stage, work: Work) -> Receipt:
        return run_partition(self._keep(stage), work)

    def probe(self, stage: Stage, work: Work, song_id: str) -> None:
        run_alone(self._keep(stage), work, song_id)

    def _keep(self, stage: Stage) -> Stage:
        """The same stage with its models already built, if this worker has seen it before."""
        return self.stages.setdefault(canonical(stage_recipe(stage)), stage)


def connect(params: EngineParams) -> None:
    """Join the cluster at `params.address` (``auto``), or start Ray on this machine; once a process.

    Raises:
        ValueError: the address is a Ray client address, which loses work when the network blinks.
    """
    if params.address and params.address.startswith("ray://"):
        raise ValueError(
            f"engine.address: {params.address!r} is a Ray client address, which drops work after 30 s without "
            "network; run the driver inside the cluster (a Ray job) and use 'auto'"
        )
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    threads = str(params.threads_per_worker)
    variables = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "WDS_SECURE": "1"}
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if params.address:
        ray.init(address=params.address, runtime_env={"env_vars": variables}, **common)
        return
    variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    ray.init(
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        object_store_memory=params.object_store_mb * 2**20,
        runtime_env={"env_vars": variables},
        **common,
    )


class Pool:
    """A fixed number of workers; `submit` needs an idle one, `finished` yields what ended."""

    def __init__(self, params: EngineParams) -> None:
        self.params = params
        self.size = params.num_workers or int(ray.cluster_resources().get("CPU", 1) // params.cpus_per_worker)
        self.idle = [self._spawn() for _ in range(max(1, self.size))]
        self.running: dict[ray.ObjectRef, tuple[Any, Any, float]] = {}

    def _spawn(self) -> Any:
        options = {"num_cpus": self.params.cpus_per_worker, "num_gpus": self.params.gpus_per_worker}
        return _Worker.options(**options).remote()  # type: ignore[attr-defined]

    def submit(self, ticket: Any, stage: Stage, work: Work, song_id: str | None = None) -> None:
        """Give work to an idle worker: a whole partition, or one song of it alone."""
        worker = self.idle.pop()
        ref = worker.run.remote(stage, work) if song_id is None else worker.probe.remote(stage, work, song_id)
        self.running[ref] = (ticket, worker, time.monotonic())

    def finished(self, timeout_s: float) -> Iterator[tuple[Any, Receipt | Crash | None]]:
        """Tickets that ended within `timeout_s`, with a receipt (None for a probe) or a crash.

        Raises:
            StageFailed: the stage raised.
            BadModel: it could not load its model.
        """
        done, _ = ray.wait(list(self.running), num_returns=1, timeout=timeout_s)
        for ref in done:
            ticket, worker, started = self.running.pop(ref)
            try:
                outcome: Receipt | Crash | None = ray.get(ref)
                self.idle.append(worker)
            except (ray.exceptions.RayActorError, ray.exceptions.OutOfMemoryError) as error:
                outcome = self._crash(error, time.monotonic() - started)
                self.idle.append(self._spawn())
            except ray.exceptions.RayTaskError as error:
                self.idle.append(worker)
                if isinstance(error.cause, BadModel):
                    raise BadModel(str(error.cause)) from error
                raise StageFailed(_cause(error)) from error
            yield ticket, outcome

    def _crash(self, error: Exception, seconds: float) -> Crash:
        text = str(error).strip().splitlines()
        detail = text[-1] if text else type(error).__name__
        if isinstance(error, ray.exceptions.OutOfMemoryError):
            return Crash("out_of_memory", detail)
        return Crash("timed_out" if seconds >= self.params.song_limit_s else "worker_died", detail)

    def close(self) -> None:
        """End every worker at once; committed files stand, nothing else does."""
        for worker in [*self.idle, *(worker for _, worker, _ in self.running.values())]:
            ray.kill(worker)
        self.idle, self.running = [], {}


def _cause(error: ray.exceptions.RayTaskError) -> str:
    cause = error.cause if getattr(error, "cause", None) else error
    lines = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {lines[-1] if lines else ''}"
