"""Pools of workers: long-lived processes that keep their models and can die without harm.

A pool is the shared pool, or the own workers of one stage. Its workers are started when there is work for
them and ended when there is none left, so that what they hold (GPUs above all) is free for others.
"""

from __future__ import annotations

import time
from typing import Any

import ray

from tasks.engine.run_partition import Receipt, Work, run_alone, run_partition
from tasks.engine.stage import Stage, StageFailed
from tasks.storage.retry import with_retries

START_TRIES = 3  # workers of a pool may die this often in a row before their first word


@ray.remote(max_restarts=0, max_task_retries=0)
class _Worker:
    """Runs partitions; a stage it has seen before keeps the models it built."""

    def __init__(self) -> None:
        self.stages: dict[int, Stage] = {}

    def ready(self) -> None:
        """Answers once the process stands."""

    def run(self, key: int, stage: Stage, work: Work) -> Receipt:
        return with_retries(lambda: run_partition(self.stages.setdefault(key, stage), work))

    def probe(self, key: int, stage: Stage, work: Work, song_id: str) -> None:
        with_retries(lambda: run_alone(self.stages.setdefault(key, stage), work, song_id))


class ActorPool:
    """Up to `size` workers of one kind: all at once when there is work for them, none when there is none."""

    def __init__(self, name: str, size: int, options: dict[str, Any]) -> None:
        self.name, self.size, self.options = name, size, options
        self._idle: list[tuple[float, Any]] = []  # since when, the longest first
        self.busy: list[Any] = []
        self._starting: dict[ray.ObjectRef, Any] = {}
        self._start_failures = 0
        self._asked_at = 0.0

    @property
    def num_idle(self) -> int:
        """Workers that wait for work."""
        return len(self._idle)

    @property
    def starting(self) -> list[ray.ObjectRef]:
        """What to wait on for workers that do not stand yet."""
        return list(self._starting)

    def pending_s(self) -> float:
        """Seconds since workers were asked for, while none stands."""
        alone = self._starting and not self._idle and not self.busy
        return time.monotonic() - self._asked_at if alone else 0.0

    def request(self, num_items: int) -> None:
        """Ask for the workers that this many waiting items can use."""
        alive = len(self._idle) + len(self._starting)
        for _ in range(min(self.size - len(self.busy), num_items) - alive):
            if not self._starting:
                self._asked_at = time.monotonic()
            worker = _Worker.options(**self.options).remote()  # type: ignore[attr-defined]
            self._starting[worker.ready.remote()] = worker

    def started(self, ref: ray.ObjectRef) -> None:
        """A worker that was starting stands, or failed to.

        Raises:
            StageFailed: too many failed.
        """
        worker = self._starting.pop(ref)
        try:
            ray.get(ref)
        except (ray.exceptions.RayActorError, ray.exceptions.RuntimeEnvSetupError) as error:
            self._start_failures += 1
            if self._start_failures >= START_TRIES:
                reason = " ".join(str(error).split())[-300:]
                raise StageFailed(f"{self.name}: its workers do not start: {reason}") from error
            return
        self._start_failures = 0
        self._idle.append((time.monotonic(), worker))

    def acquire(self) -> Any:
        """The worker that was busy last, busy from now on; the others may go."""
        _, worker = self._idle.pop()
        self.busy.append(worker)
        return worker

    def release(self, worker: Any, dead: bool = False) -> None:
        """A busy worker is free again, or gone."""
        self.busy.remove(worker)
        if not dead:
            self._idle.append((time.monotonic(), worker))

    def dismiss_idle(self, after_s: float = 0.0, keep: int = 0) -> None:
        """End workers that have had nothing to do for this long; `keep` workers stay, also idle ones."""
        surplus = len(self._idle) + len(self.busy) - keep
        while self._idle and surplus > 0 and time.monotonic() - self._idle[0][0] >= after_s:
            ray.kill(self._idle.pop(0)[1])
            surplus -= 1

    def end(self) -> None:
        """End every worker at once; committed files stand, nothing else does."""
        self.dismiss_idle()
        for worker in [*self.busy, *self._starting.values()]:
            ray.kill(worker)
        self.busy, self._starting = [], {}
