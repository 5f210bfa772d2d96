"""The pools of workers (Ray actors) under one budget, connected to Ray, and what comes back from them: receipts, crashes and lost nodes.

Only partition numbers, cache keys and receipts pass through Ray; every worker reads and writes storage
itself. A dead worker is replaced, and what it was doing comes back as a `Crash`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray

from tasks.engine.params import SHARED, EngineParams, pool_sizes
from tasks.engine.run_partition import Receipt, Work
from tasks.engine.stage import BadModel, Stage, StageFailed
from tasks.engine.work_item import NODE_LOST, Crash
from tasks.engine.workers import ActorPool, Worker
from tasks.storage.retry import GOES_ON, hint_of

NODE_GONE = ("node has died", "node was terminated")  # in Ray's words
HEAP = {"MALLOC_TRIM_THRESHOLD_": str(256 * 2**20), "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20)}
"""glibc's malloc in a worker keeps up to 256 MiB that was freed: one song's arrays are the next one's, and the
kernel need not hand out zeroed pages for every one of them (32 MiB is the largest threshold that glibc takes)."""
ROOM_AFTER_S = 5.0  # a pool that has no worker after this long gets the room of idle ones


_connecting = threading.Lock()

TOO_BUSY = "timed out during startup"
"""Of what Ray 2.60 says where its raylet is not there after 30 s."""


def connect(params: EngineParams) -> None:
    """Join the cluster at `params.address` (``auto``), or start Ray on this machine; once a process, whichever thread asks.

    Raises:
        ValueError: the address is a Ray client address, which loses work when the network blinks.
    """
    if params.address and params.address.startswith("ray://"):
        raise ValueError(
            f"engine.address: {params.address!r} is a Ray client address, which drops work after 30 s without "
            "network; run the driver inside the cluster (a Ray job) and use 'auto'"
        )
    with _connecting:
        if not connected():
            _join(params)


def _join(params: EngineParams) -> None:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    threads = str(params.threads_per_worker)
    variables = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "WDS_SECURE": "1", **HEAP}
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if params.address:
        options["address"] = params.address
    else:
        variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        # Ray would start a process a core that lacks `variables` and so gets no work.
        os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
        options |= {
            "num_cpus": os.cpu_count(),
            "include_dashboard": params.dashboard,
            "_metrics_export_port": params.metrics_port,
            "object_store_memory": params.object_store_mb * 2**20,
        }
    with _handler_kept(signal.SIGTERM):
        _start(runtime_env={"env_vars": variables}, **options)


def _start(**options: Any) -> None:
    """Ray as `options` say; once more where this machine was too busy to let it start within Ray's own 30 s."""
    for last in (False, True):
        try:
            ray.init(**options)
            return
        except Exception as error:  # Ray raises no class of its own
            if TOO_BUSY not in str(error):
                raise
            ray.shutdown()
            if last:
                raise RuntimeError(
                    "Ray did not start within 30 s, twice: this machine is too busy; the same command goes on once it is not"
                ) from error


def connected() -> bool:
    """Whether this process takes part in Ray."""
    return ray.is_initialized()


def leave() -> None:
    """End what this process runs on Ray; Ray itself too where this process started it."""
    ray.shutdown()


@contextmanager
def _handler_kept(kind: signal.Signals) -> Iterator[None]:
    """A signal handler that was set before (Prefect's, which cancels a run) outlives the body.

    Where none was, Ray's stays: it ends the process by SystemExit, so that workers are ended on the way out.
    """
    before = signal.getsignal(kind)
    yield
    if threading.current_thread() is threading.main_thread() and callable(before):
        signal.signal(kind, before)


class ActorPools:
    """The pools of a run: `submit` needs a free worker of the stage's pool, `finished` yields what ended."""

    def __init__(self, params: EngineParams, stages: Collection[str]) -> None:
        """`stages`: all that have work to do.

        Raises:
            ValueError: a stage's worker asks for more than this machine has.
        """
        self.params, self.stages = params, frozenset(stages)
        self.running: dict[
            ray.ObjectRef, tuple[Any, str, Worker, float, Work]
        ] = {}  # item, pool, worker, start
        kept = params.audio_cache_mb * 2**20
        self.pools = {
            name: ActorPool(
                name or "the shared pool", size, params.actor_options(name), kept if name == SHARED else 0
            )
            for name, size in pool_sizes(params, stages, ray.cluster_resources()).items()
        }

    def pool_of(self, stage: str) -> str:
        """The pool that runs a stage."""
        return stage if stage in self.pools else SHARED

    def size_of(self, stage: str) -> int:
        """How many workers run a stage at most."""
        return self.pools[self.pool_of(stage)].size

    def free(self, pool: str, items: int) -> list[Worker]:
        """Workers that wait for work, those that were busy last first; for what they cannot take of `items`, more are
        asked for.
        """
        self.pools[pool].request(items)
        return self.pools[pool].idle

    def held(self, pool: str) -> set[Any]:
        """What the workers of a pool had last, busy or not."""
        return {worker.last for worker in self.pools[pool].workers}

    def submit(self, item: Any, worker: Worker, stage: Stage, work: Work, song_id: str | None = None) -> None:
        """Give work to a free worker of the stage's pool: a whole partition, or one song of it alone."""
        pool = self.pool_of(stage.name)
        self.pools[pool].acquire(worker)
        if song_id is None:
            ref = worker.actor.run.remote(id(stage), stage, work)
        else:
            ref = worker.actor.probe.remote(id(stage), stage, work, song_id)
        self.running[ref] = (item, pool, worker, time.monotonic(), work)

    def finished(self, timeout_s: float) -> Iterator[tuple[Any, Receipt | Crash | None]]:
        """Items that ended within `timeout_s`, with a receipt (None for a probe) or a crash.

        Raises:
            StageFailed: the stage raised, the workers of a pool do not start, or this machine's node of Ray has died.
            BadModel: it could not load its model.
        """
        starting = {ref: pool for pool in self.pools.values() for ref in pool.starting}
        done, _ = ray.wait([*self.running, *starting], num_returns=1, timeout=timeout_s)
        if not done and not _node_lives():
            raise StageFailed(f"Ray's node has died, and nothing can run any more; {GOES_ON}")
        for ref in done:
            if ref in starting:
                starting[ref].started(ref)
                continue
            item, name, worker, started, work = self.running.pop(ref)
            pool = self.pools[name]
            try:
                outcome: Receipt | Crash | None = ray.get(ref)
                pool.release(worker)
            except (ray.exceptions.RayActorError, ray.exceptions.OutOfMemoryError) as error:
                outcome = self._crash(error, time.monotonic() - started, work.memory_note)
                pool.release(worker, dead=True)
            except ray.exceptions.RayTaskError as error:
                pool.release(worker)
                if isinstance(error.cause, BadModel):
                    raise BadModel(f"{item.stage}: {error.cause}") from error
                raise StageFailed(f"{item.stage}: {_cause(error)}") from error
            yield item, outcome

    def make_room(self) -> None:
        """Workers that have been idle for long give back what they hold, and a cluster may shrink.

        Where a pool cannot start its first worker, those that are idle even now may be in its way.
        """
        for pool in self.pools.values():
            pool.dismiss_idle(self.params.idle_worker_s, self.params.min_workers)
        if any(pool.pending_s() > ROOM_AFTER_S for pool in self.pools.values()):
            for pool in self.pools.values():
                pool.dismiss_idle()

    def _crash(self, error: Exception, seconds: float, memory_note: Path) -> Crash:
        text = str(error).strip().splitlines()
        detail = text[-1] if text else type(error).__name__
        if isinstance(error, ray.exceptions.OutOfMemoryError):
            return Crash("out_of_memory", detail)
        if memory_note.exists():
            memory_note.unlink()
            return Crash("out_of_memory", f"its worker passed {self.params.song_memory_mb} MB")
        if getattr(error, "preempted", False) or any(words in str(error) for words in NODE_GONE):
            return Crash(NODE_LOST, detail)
        return Crash("timed_out" if seconds >= self.params.song_limit_s else "worker_died", detail)

    def end(self, stage: str) -> None:
        """A stage has no more work: its own workers go, and what they held is free."""
        if self.pool_of(stage) != SHARED:
            self.pools[stage].end()

    def close(self) -> None:
        """End every worker at once; committed files stand, nothing else does."""
        for pool in self.pools.values():
            pool.end()
        self.running = {}


def _node_lives() -> bool:
    """Whether Ray still runs on this machine: a driver whose raylet has died is told nothing, and would wait for ever."""
    here = ray.get_runtime_context().get_node_id()
    return any(node["Alive"] and node["NodeID"] == here for node in ray.nodes())


def _cause(error: ray.exceptions.RayTaskError) -> str:
    cause = error.cause if getattr(error, "cause", None) else error
    lines = str(cause).strip().splitlines()
    said = f"{type(cause).__name__}: {lines[-1] if lines else ''}"
    hint = hint_of(cause)
    return f"{said}; {hint}" if hint else said
