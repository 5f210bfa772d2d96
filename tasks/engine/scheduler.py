"""The scheduler: partition k of a stage starts as soon as partition k of everything it reads stands.

All stages of a flow share one pool, but for those with workers of their own. Work nearest the end of the pipeline goes first, so partitions
finish instead of piling up. Run one by one or together, the stages write the same bytes.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.engine.limits import Limits
from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline, Standing
from tasks.engine.pool import NODE_LOST, Crash, Pool, connect
from tasks.engine.prometheus import RunMetrics
from tasks.engine.run_partition import Receipt, Work
from tasks.engine.stage import BadModel
from tasks.engine.table import SOURCES
from tasks.engine.workers import StageFailed
from tasks.storage.lease import fence_over

WHOLE_TRIES = 2  # a partition is tried whole this often before its songs are tried alone
ALONE_TRIES = 3  # a song is dropped after failing alone this often


@dataclass
class StageReport:
    """What a run did for one stage."""

    stage: str
    partitions: int
    fresh: int  # partitions whose file stood already
    receipts: list[Receipt] = field(default_factory=list)
    error: str | None = None

    @property
    def finished(self) -> bool:
        """Every partition's file stands."""
        return self.fresh + len(self.receipts) == self.partitions

    @property
    def songs(self) -> int:
        """Songs of the partitions that ran."""
        return sum(receipt.songs for receipt in self.receipts)

    @property
    def dropped(self) -> dict[str, int]:
        """Songs that were dropped in them, by reason in order."""
        reasons = sum((Counter(receipt.dropped) for receipt in self.receipts), Counter[str]())
        return dict(sorted(reasons.items()))


@dataclass
class _WorkItem:
    """One partition of one stage on its way, and what has happened to it so far."""

    pipeline: Pipeline
    stage: str
    number: int
    crashes: int = 0
    suspects: list[str] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    poison: dict[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Which of the ready goes first: the last stage, then the lowest number; the id only ends ties."""
        return -self.pipeline.order.index(self.stage), self.number, id(self)

    @property
    def key(self) -> tuple[int, str, int]:
        return id(self.pipeline), self.stage, self.number


_Heap = list[tuple[int, int, int, _WorkItem]]
Watcher = Callable[[StageReport], None]


def run_pipelines(
    pipelines: Sequence[Pipeline],
    params: EngineParams,
    receipts: Path,
    watch: Watcher = lambda report: None,
    only: set[str] | None = None,
) -> list[StageReport]:
    """Bring every stage of every pipeline up to date; starts no Ray when nothing is missing.

    Args:
        receipts: folder for receipts, outside the table.
        watch: called whenever a stage's report changes (also once at the start).
        only: names of the stages to run (default: all).

    Raises:
        StageFailed: a stage raised something that is no SongError; what was committed stands.
    """
    return _Run(pipelines, params, receipts, watch, only).run()


class _Run:
    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        params: EngineParams,
        receipts: Path,
        watch: Watcher,
        only: set[str] | None,
    ) -> None:
        self.params, self.receipts, self.watch = params, receipts, watch
        self.limits = Limits(params.song_limit_s, params.song_limit_per_audio_s, params.song_memory_mb)
        self.fence = fence_over(receipts)
        self.reports: dict[tuple[int, str], StageReport] = {}
        self.waiting: dict[tuple[int, str, int], _WorkItem] = {}
        self.ready: list[_WorkItem] = []
        self.standing: set[tuple[int, str, int]] = set()
        self.listings: dict[tuple[int, str], Standing] = {}  # what was there before anything ran
        for pipeline in pipelines:
            for stage in pipeline.stages:
                listing = self.listings[id(pipeline), stage] = pipeline.standing(stage)
                missing = pipeline.missing(stage, listing)
                stale = set(missing)
                self.standing |= {(id(pipeline), stage, n) for n in pipeline.partitions if n not in stale}
                if only is not None and stage not in only:
                    continue
                report = StageReport(stage, len(pipeline.partitions), len(pipeline.partitions) - len(missing))
                self.reports[id(pipeline), stage] = report
                for number in missing:
                    item = _WorkItem(pipeline, stage, number)
                    self.waiting[item.key] = item
            self.standing |= {(id(pipeline), SOURCES, n) for n in pipeline.partitions}
        self.pipelines = list(pipelines)

    def run(self) -> list[StageReport]:
        for report in self.reports.values():
            self.watch(report)
        failure: StageFailed | BadModel | None = None
        if self.waiting:
            for item in list(self.waiting.values()):
                self._promote(item)
            if not self.ready:
                raise self._absent()
            connect(self.params)
            self.metrics = RunMetrics()
            pool = Pool(self.params, {item.stage for item in self.waiting.values()})
            try:
                self._loop(pool)
            except (StageFailed, BadModel) as error:
                failure = error
            finally:
                pool.close()
        if self.fence is not None:
            self.fence.check()
        for (pipeline_id, stage), report in self.reports.items():
            if report.finished and report.error is None:
                pipeline = next(c for c in self.pipelines if id(c) == pipeline_id)
                pipeline.remove_superseded(stage, self.listings[pipeline_id, stage])
        if failure:
            raise failure
        if self.waiting:
            raise self._absent()
        return list(self.reports.values())

    def _loop(self, pool: Pool) -> None:
        left = Counter(item.stage for item in self.waiting.values())
        ready: dict[str, _Heap] = defaultdict(list)
        while self.ready or pool.running or any(ready.values()):
            for item in self.ready:
                heapq.heappush(ready[pool.group_of(item.stage)], (*item.rank, item))
            self.ready.clear()
            for group, heap in ready.items():
                for _ in range(pool.free(group, len(heap))):
                    item = heapq.heappop(heap)[-1]
                    alone = item.suspects[0] if item.suspects else None
                    work = self._work(item, pool.size_of(item.stage))
                    pool.submit(item, item.pipeline.stages[item.stage], work, alone)
            pool.make_room()
            self.metrics.stand(pool.groups, ready)
            for item, outcome in pool.finished(timeout_s=1.0):
                if isinstance(outcome, Crash) and outcome.reason == NODE_LOST:
                    self.ready.append(item)  # no try of the song's
                elif isinstance(outcome, Crash):
                    self._blame(item, outcome)
                elif outcome is None:  # a song passed alone: it is not the one
                    item.suspects.pop(0)
                    self.ready.append(item)
                else:
                    self._commit(item, outcome)
                    left[item.stage] -= 1
                    if not left[item.stage]:
                        pool.end(item.stage)

    def _work(self, item: _WorkItem, workers: int) -> Work:
        pipeline, stage, number = item.pipeline, item.stage, item.number
        path = pipeline.path(stage, number)
        return Work(
            stage,
            number,
            path,
            pipeline.shard_path(stage, number),
            {
                name: (pipeline.path(name, number), columns)
                for name, columns in pipeline.inputs[stage].items()
            },
            pipeline.cache_key(stage, number),
            self.receipts / stage / f"{pipeline.name(stage, number)}.json",
            workers,
            self.limits,
            item.poison,
            self.fence,
            pipeline.table.songs_root,
        )

    def _commit(self, item: _WorkItem, receipt: Receipt) -> None:
        del self.waiting[item.key]
        self.standing.add(item.key)
        report = self.reports[id(item.pipeline), item.stage]
        report.receipts.append(receipt)
        self.metrics.done(receipt)
        self.watch(report)
        for stage, inputs in item.pipeline.inputs.items():
            follower = self.waiting.get((id(item.pipeline), stage, item.number))
            if follower and item.stage in inputs:
                self._promote(follower)

    def _blame(self, item: _WorkItem, crash: Crash) -> None:
        """Find the song that kills its worker: the partition whole, then its songs one at a time."""
        if item.suspects:
            song_id = item.suspects[0]
            item.tries[song_id] = item.tries.get(song_id, 0) + 1
            if item.tries[song_id] >= ALONE_TRIES:
                item.poison[song_id] = crash.reason
                item.suspects.pop(0)
        else:
            item.crashes += 1
            if item.crashes == WHOLE_TRIES:
                item.suspects = [source.song_id for source in item.pipeline.partitions[item.number].sources]
            elif item.crashes > 2 * WHOLE_TRIES:
                raise StageFailed(
                    f"{item.stage}: partition {item.number} ended its worker {item.crashes} times, "
                    f"but no song of it does so alone; last: {crash.reason} ({crash.detail})"
                )
        self.ready.append(item)

    def _absent(self) -> ValueError:
        """What the first waiting item waits for, which nothing in this run makes."""
        item = next(iter(self.waiting.values()))
        absent = [s for s in item.pipeline.inputs[item.stage] if not self._stands(item, s)]
        return ValueError(f"stage {item.stage} needs {', '.join(absent)}, which has not run; run it first")

    def _stands(self, item: _WorkItem, stage: str) -> bool:
        return (id(item.pipeline), stage, item.number) in self.standing

    def _promote(self, item: _WorkItem) -> None:
        if all(self._stands(item, stage) for stage in item.pipeline.inputs[item.stage]):
            self.ready.append(item)
