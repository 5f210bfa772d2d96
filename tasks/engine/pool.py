"""The pool: groups of workers under one budget, and what comes back from them.

Only partition numbers, recipes and receipts pass through Ray; every worker reads and writes storage
itself. A dead worker is replaced, and what it was doing comes back as a `Crash`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ray

from tasks.engine.interpreter import check_interpreter, source_path
from tasks.engine.partition import Receipt, Work
from tasks.engine.stage import BadModel, Section, Stage
from tasks.engine.workers import Group, Outfit, StageFailed

SHARED = ""  # the group of all stages that have none of their own
ROOM_AFTER_S = 5.0  # a group that has no worker after this long gets the room of idle ones


class StageWorkers(Section):
    """Own workers of one stage (``engine.stages.<name>``). Null: as in the shared pool.

    `python`: another interpreter, with packages of its own. `env`: variables of its processes.
    """

    workers: int | None = None
    cpus: float | None = None
    gpus: float | None = None
    memory_mb: int | None = None
    python: str | None = None
    env: dict[str, str] | None = None


class EngineParams(Section):
    """How stages run. None of it is part of a fingerprint.

    `stages`: stages with workers of their own, a group each; all others share the pool.
    """

    partition_size: int
    address: str | None
    num_workers: int | None
    cpus_per_worker: float
    gpus_per_worker: float
    threads_per_worker: int
    object_store_mb: int
    song_limit_s: float
    song_limit_per_audio_s: float
    stages: dict[str, StageWorkers]

    def outfit(self, group: str) -> Outfit:
        """What a worker of this group is given."""
        own = self.stages.get(group, StageWorkers())
        env = {"PYTHONPATH": source_path()} if own.python else {}
        return Outfit(
            self.cpus_per_worker if own.cpus is None else own.cpus,
            self.gpus_per_worker if own.gpus is None else own.gpus,
            own.memory_mb,
            own.python,
            {**env, **(own.env or {})},
        )

    def pythons(self) -> dict[str, str]:
        """The interpreter of each stage that has one of its own.

        Raises:
            ValueError: one is no Python that can run our workers.
        """
        found = {name: own.python for name, own in self.stages.items() if own.python is not None}
        for name, python in found.items():
            check_interpreter(f"engine.stages.{name}.python", python)
        return found


@dataclass(frozen=True)
class Crash:
    """A worker process ended in the middle of something: the song's fault, or the machine's."""

    reason: str  # worker_died | out_of_memory | timed_out
    detail: str


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
    """The groups of a run: `submit` needs a free worker of the stage's group, `finished` yields what ended."""

    def __init__(self, params: EngineParams, stages: Collection[str]) -> None:
        """`stages`: all that have work to do.

        Raises:
            ValueError: a stage's worker asks for more than this machine has.
        """
        self.params = params
        self.running: dict[ray.ObjectRef, tuple[Any, str, Any, float]] = {}  # ticket, group, worker, start
        self.groups = {
            name: Group(name or "the shared pool", size, params.outfit(name))
            for name, size in group_sizes(params, stages, ray.cluster_resources()).items()
        }

    def group_of(self, stage: str) -> str:
        """The group that runs a stage."""
        return stage if stage in self.groups else SHARED

    def size_of(self, stage: str) -> int:
        """How many workers run a stage at most."""
        return self.groups[self.group_of(stage)].size

    def free(self, group: str, tickets: int) -> int:
        """How many of `tickets` waiting tickets the group can take now; workers for the others are asked for."""
        self.groups[group].staff(tickets)
        return min(tickets, len(self.groups[group].idle))

    def submit(self, ticket: Any, stage: Stage, work: Work, song_id: str | None = None) -> None:
        """Give work to a free worker: a whole partition, or one song of it alone."""
        group = self.group_of(stage.name)
        worker = self.groups[group].lend()
        if song_id is None:
            ref = worker.run.remote(id(stage), stage, work)
        else:
            ref = worker.probe.remote(id(stage), stage, work, song_id)
        self.running[ref] = (ticket, group, worker, time.monotonic())

    def finished(self, timeout_s: float) -> Iterator[tuple[Any, Receipt | Crash | None]]:
        """Tickets that ended within `timeout_s`, with a receipt (None for a probe) or a crash.

        Raises:
            StageFailed: the stage raised, or the workers of a group do not start.
            BadModel: it could not load its model.
        """
        starting = {ref: group for group in self.groups.values() for ref in group.starting}
        done, _ = ray.wait([*self.running, *starting], num_returns=1, timeout=timeout_s)
        for ref in done:
            if ref in starting:
                starting[ref].stood(ref)
                continue
            ticket, name, worker, started = self.running.pop(ref)
            group = self.groups[name]
            try:
                outcome: Receipt | Crash | None = ray.get(ref)
                group.give_back(worker)
            except (ray.exceptions.RayActorError, ray.exceptions.OutOfMemoryError) as error:
                outcome = self._crash(error, time.monotonic() - started)
                group.give_back(worker, dead=True)
            except ray.exceptions.RayTaskError as error:
                group.give_back(worker)
                if isinstance(error.cause, BadModel):
                    raise BadModel(f"{ticket.stage}: {error.cause}") from error
                raise StageFailed(f"{ticket.stage}: {_cause(error)}") from error
            yield ticket, outcome
        self._make_room()

    def _make_room(self) -> None:
        """Where a group cannot start its first worker, idle ones of other groups may be in its way."""
        if any(group.waits_in_vain_s() > ROOM_AFTER_S for group in self.groups.values()):
            for group in self.groups.values():
                group.dismiss_idle()

    def _crash(self, error: Exception, seconds: float) -> Crash:
        text = str(error).strip().splitlines()
        detail = text[-1] if text else type(error).__name__
        if isinstance(error, ray.exceptions.OutOfMemoryError):
            return Crash("out_of_memory", detail)
        return Crash("timed_out" if seconds >= self.params.song_limit_s else "worker_died", detail)

    def end(self, stage: str) -> None:
        """A stage has no more work: its own workers go, and what they held is free."""
        if self.group_of(stage) != SHARED:
            self.groups[stage].end()

    def close(self) -> None:
        """End every worker at once; committed files stand, nothing else does."""
        for group in self.groups.values():
            group.end()
        self.running = {}


def group_sizes(params: EngineParams, stages: Collection[str], has: Mapping[str, float]) -> dict[str, int]:
    """Workers of each group: as many as asked for, else as many as fit beside the others.

    Groups of stages that use GPUs fill the GPUs; the other groups share the CPUs that are left equally.

    Raises:
        ValueError: no worker of a group fits this machine at all. A cluster may still grow.
    """
    own = [name for name in params.stages if name in stages]
    names = own if set(stages) == set(own) else [SHARED, *own]
    outfits = {name: params.outfit(name) for name in names}
    asked = {name: params.stages[name].workers if name else params.num_workers for name in names}
    for name, outfit in outfits.items():
        for kind, wanted in (("CPU", outfit.cpus), ("GPU", outfit.gpus)):
            if params.address is None and wanted > has.get(kind, 0.0):
                where = (
                    f"engine.stages.{name}.{kind.lower()}s" if name else f"engine.{kind.lower()}s_per_worker"
                )
                raise ValueError(
                    f"{where}: {wanted:g} {kind}s a worker, this machine has {has.get(kind, 0.0):g}"
                )
    sizes = {name: count for name, count in asked.items() if count is not None}
    for name in names:
        if name not in sizes and outfits[name].gpus:
            sizes[name] = max(1, int(has.get("GPU", 0.0) // outfits[name].gpus))
    left = has.get("CPU", 1.0) - sum(sizes[name] * outfits[name].cpus for name in sizes)
    sharing = [name for name in names if name not in sizes]
    for name in sharing:
        sizes[name] = max(1, int(left / len(sharing) // max(outfits[name].cpus, 0.01)))
    return {name: max(1, sizes[name]) for name in names}


def _cause(error: ray.exceptions.RayTaskError) -> str:
    cause = error.cause if getattr(error, "cause", None) else error
    lines = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {lines[-1] if lines else ''}"
