"""A pool of workers (`ActorPool`): long-lived processes, idle, busy or starting, that keep their models and can die without harm; what is to be worked on, or probed alone.

A pool is the shared pool, or the own workers of one stage. Its workers are started when there is work for
them and ended when there is none left, so that what they hold (GPUs above all) is free for others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import ray

from tasks.engine.run_partition import Receipt, Work, run_alone, run_partition
from tasks.engine.stage import Stage, StageFailed
from tasks.storage.audio_cache import give_room
from tasks.storage.numba_cache import keep_compiled_apart
from tasks.storage.retry import with_retries

START_TRIES = 3  # workers of a pool may die this often in a row before their first word


@ray.remote(max_restarts=0, max_task_retries=0)
class _Worker:
    """Runs partitions; a stage it has seen before keeps the models it built."""

    def __init__(self, audio_cache_bytes: int) -> None:
        self.stages: dict[int, Stage] = {}
        keep_compiled_apart()
        give_room(audio_cache_bytes)

    def ready(self) -> None:
        """Answers once the process stands."""

    def run(self, key: int, stage: Stage, work: Work) -> Receipt:
        return with_retries(lambda: run_partition(self.stages.setdefault(key, stage), work))

    def probe(self, key: int, stage: Stage, work: Work, song_id: str) -> None:
        with_retries(lambda: run_alone(self.stages.setdefault(key, stage), work, song_id))


@dataclass(eq=False)
class Worker:
    """A worker as the scheduler knows it. `last`: whose songs it has at hand; None before its first partition."""

    actor: Any
    idle_since: float = 0.0
    last: Any = None


class ActorPool:
    """Up to `size` workers of one kind: all at once when there is work for them, none when there is none."""

    def __init__(self, name: str, size: int, options: dict[str, Any], audio_cache_bytes: int = 0) -> None:
        """`audio_cache_bytes`: how much decoded audio each of them keeps."""
        self.name, self.size, self.options = name, size, options
        self.audio_cache_bytes = audio_cache_bytes
        self._idle: list[Worker] = []  # the longest first
        self.busy: list[Worker] = []
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
            actor = _Worker.options(**self.options).remote(self.audio_cache_bytes)  # type: ignore[attr-defined]
            self._starting[actor.ready.remote()] = actor

    def started(self, ref: ray.ObjectRef) -> None:
        """A worker that was starting stands, or failed to.

        Raises:
            StageFailed: too many failed.
        """
        actor = self._starting.pop(ref)
        try:
            ray.get(ref)
        except (ray.exceptions.RayActorError, ray.exceptions.RuntimeEnvSetupError) as error:
            self._start_failures += 1
            if self._start_failures >= START_TRIES:
                reason = " ".join(str(error).split())[-300:]
                raise StageFailed(f"{self.name}: its workers do not start: {reason}") from error
            return
        self._start_failures = 0
        self._idle.append(Worker(actor, time.monotonic()))

    @property
    def workers(self) -> list[Worker]:
        """All that stand."""
        return [*self._idle, *self.busy]

    @property
    def idle(self) -> list[Worker]:
        """Workers that wait for work, those that were busy last first; the others may go."""
        return self._idle[::-1]

    def acquire(self, worker: Worker) -> None:
        """A worker that was idle is busy from now on."""
        self._idle.remove(worker)
        self.busy.append(worker)

    def release(self, worker: Worker, dead: bool = False) -> None:
        """A busy worker is free again, or gone."""
        self.busy.remove(worker)
        if not dead:
            worker.idle_since = time.monotonic()
            self._idle.append(worker)

    def dismiss_idle(self, after_s: float = 0.0, keep: int = 0) -> None:
        """End workers that have had nothing to do for this long; `keep` workers stay, also idle ones."""
        surplus = len(self._idle) + len(self.busy) - keep
        while self._idle and surplus > 0 and time.monotonic() - self._idle[0].idle_since >= after_s:
            ray.kill(self._idle.pop(0).actor)
            surplus -= 1

    def end(self) -> None:
        """End every worker at once; committed files stand, nothing else does."""
        self.dismiss_idle()
        for actor in [*(worker.actor for worker in self.busy), *self._starting.values()]:
            ray.kill(actor)
        self.busy, self._starting = [], {}
