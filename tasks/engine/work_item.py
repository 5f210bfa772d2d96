"""One partition of one stage on its way through the scheduler: which goes next (rank), tries, and how the suspect is found that crashes its worker."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from tasks.engine.limits import Limits
from tasks.engine.pipeline import Pipeline
from tasks.engine.run_partition import Work
from tasks.engine.stage import StageFailed
from tasks.storage.lease import Fence

NODE_LOST = "node_lost"
WHOLE_TRIES = 2  # a partition is tried whole this often before its songs are tried alone
ALONE_TRIES = 3  # a song is dropped after failing alone this often


@dataclass(frozen=True)
class Crash:
    """A worker process ended in the middle of something: the song's fault, or the machine's."""

    reason: str  # worker_died | out_of_memory | timed_out, or NODE_LOST, which is no song's fault
    detail: str


@dataclass
class WorkItem:
    """A partition of a stage, and what has happened to it so far."""

    pipeline: Pipeline
    stage: str
    number: int
    crashes: int = 0
    suspects: list[str] = field(default_factory=list)  # songs to be tried alone, the first one next
    tries: dict[str, int] = field(default_factory=dict)
    poison: dict[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Which of the ready goes first: the last stage, then the lowest number; the id only ends ties."""
        return -self.pipeline.order.index(self.stage), self.number, id(self)

    @property
    def key(self) -> tuple[int, str, int]:
        """What tells it from every other one of a run."""
        return id(self.pipeline), self.stage, self.number

    @property
    def partition(self) -> tuple[int, int]:
        """What work items of all stages on the same songs share."""
        return id(self.pipeline), self.number

    def work(self, receipts: Path, workers: int, limits: Limits, fence: Fence | None) -> Work:
        """What a worker is told."""
        pipeline, stage, number = self.pipeline, self.stage, self.number
        inputs = pipeline.inputs[stage].items()
        return Work(
            stage,
            number,
            pipeline.path(stage, number),
            pipeline.shard_path(stage, number),
            {name: (pipeline.path(name, number), columns) for name, columns in inputs},
            pipeline.cache_key(stage, number),
            receipts / stage / f"{pipeline.name(stage, number)}.json",
            workers,
            limits,
            self.poison,
            fence,
            pipeline.table.songs_root,
        )

    def learn_from(self, crash: Crash | None) -> None:
        """Find the song that kills its worker: the partition whole, then its songs one at a time.

        `crash` None: the song that was tried alone passed. A lost node is no try of the song's.

        Raises:
            StageFailed: the partition kills its workers, but no song of it does so alone.
        """
        if crash is None:
            self.suspects.pop(0)
        elif crash.reason == NODE_LOST:
            return
        elif self.suspects:
            song_id = self.suspects[0]
            self.tries[song_id] = self.tries.get(song_id, 0) + 1
            if self.tries[song_id] >= ALONE_TRIES:
                self.poison[song_id] = crash.reason
                self.suspects.pop(0)
        else:
            self.crashes += 1
            if self.crashes == WHOLE_TRIES:
                self.suspects = [source.song_id for source in self.pipeline.partitions[self.number].sources]
            elif self.crashes > 2 * WHOLE_TRIES:
                raise StageFailed(
                    f"{self.stage}: partition {self.number} ended its worker {self.crashes} times, "
                    f"but no song of it does so alone; last: {crash.reason} ({crash.detail})"
                )


class ReadyItems:
    """Work items that could start in one pool. Each partition stays with a worker as long as none idles for it."""

    def __init__(self) -> None:
        self._by_rank: list[tuple[int, int, int, WorkItem]] = []  # also those that were taken by partition
        self._by_partition: dict[tuple[int, int], list[WorkItem]] = defaultdict(list)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, item: WorkItem) -> None:
        """One more that is ready."""
        heapq.heappush(self._by_rank, (*item.rank, item))
        self._by_partition[item.partition].append(item)
        self._count += 1

    def has(self, partition: tuple[int, int] | None) -> bool:
        """Whether anything is ready for these songs."""
        return partition in self._by_partition

    def take(self, last: tuple[int, int] | None, others: Collection[tuple[int, int] | None]) -> WorkItem:
        """What a free worker goes on with: the partition it had `last`, whose songs it has at hand; else one that none
        of the `others` had last; else any. Within these by rank.
        """
        if last in self._by_partition:
            return self._taken(min(self._by_partition[last], key=lambda item: item.rank))
        passed = []
        while True:
            entry = heapq.heappop(self._by_rank)
            if entry[-1] in self._by_partition.get(entry[-1].partition, ()):
                if entry[-1].partition not in others:
                    break
                passed.append(entry)
            if not self._by_rank:
                entry = passed.pop(0)
                break
        for each in passed:
            heapq.heappush(self._by_rank, each)
        return self._taken(entry[-1])

    def _taken(self, item: WorkItem) -> WorkItem:
        items = self._by_partition[item.partition]
        items.remove(item)
        if not items:
            del self._by_partition[item.partition]
        self._count -= 1
        return item
