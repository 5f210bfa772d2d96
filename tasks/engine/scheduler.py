"""The scheduler (`run_pipelines`): partition k of a stage starts as soon as partition k of everything it reads stands; reports of each stage.

A stage with a fit waits for all partitions of what its fit reads; then the fit runs, in this process. All stages of a
flow share one pool, but for those with workers of their own. A worker goes on with the partition it has just had, whose
songs it has decoded; else work nearest the end of the pipeline goes first, so partitions finish instead of piling up. Run one by one or together, the stages write the same bytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.engine.limits import Limits
from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline
from tasks.engine.run_partition import Receipt
from tasks.engine.stage import BadModel, StageFailed
from tasks.engine.table import SOURCES
from tasks.engine.work_item import ReadyItems, WorkItem
from tasks.storage.lease import fence_over

if TYPE_CHECKING:
    from tasks.engine.pool import ActorPools


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


Watcher = Callable[[StageReport], None]
Caller = Callable[[str, Callable[[], None]], None]


def run_pipelines(
    pipelines: Sequence[Pipeline],
    params: EngineParams,
    receipts: Path,
    watch: Watcher = lambda report: None,
    only: set[str] | None = None,
    call: Caller = lambda name, work: work(),
    before_work: Callable[[], None] = lambda: None,
) -> list[StageReport]:
    """Bring every stage of every pipeline up to date; neither imports nor starts Ray when nothing is missing.

    Args:
        receipts: folder for receipts, outside the table.
        watch: called whenever a stage's report changes (also once at the start).
        only: names of the stages to run (default: all).
        call: runs a fit, and may show it by the name it is given.
        before_work: called before anything is computed; what it raises ends the run.

    Raises:
        StageFailed: a stage raised something that is no SongError; what was committed stands.
    """
    return _Run(pipelines, params, receipts, watch, only, call, before_work).run()


class _Run:
    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        params: EngineParams,
        receipts: Path,
        watch: Watcher,
        only: set[str] | None,
        call: Caller,
        before_work: Callable[[], None],
    ) -> None:
        self.params, self.receipts, self.watch, self.call = params, receipts, watch, call
        self.before_work = before_work
        self.limits = Limits(params.song_limit_s, params.song_limit_per_audio_s, params.song_memory_mb)
        self.fence = fence_over(receipts)
        self.reports: dict[tuple[int, str], StageReport] = {}
        self.fits: list[tuple[Pipeline, str]] = []  # of stages to run, until they stand
        self.waiting: dict[tuple[int, str, int], WorkItem] = {}
        self.ready: list[WorkItem] = []
        self.standing: set[tuple[int, str, int]] = set()
        self.left: dict[tuple[int, str], int] = {}  # partitions of a stage that do not stand
        self.existing: dict[tuple[int, str], set[str]] = {}  # what was there before anything ran
        self.pipelines = list(pipelines)
        for pipeline in pipelines:
            for stage in pipeline.stages:
                if only is None or stage in only:
                    self.reports[id(pipeline), stage] = StageReport(stage, len(pipeline.partitions), 0)
                    self.fits += [(pipeline, stage)] if stage in pipeline.fit_inputs else []
            self.standing |= {(id(pipeline), SOURCES, n) for n in pipeline.partitions}
            self.left[id(pipeline), SOURCES] = 0
            self._open(pipeline)

    def _open(self, pipeline: Pipeline) -> None:
        """Work items for what is missing; what is made from a fit that does not stand yet comes after it."""
        behind = pipeline.made_from({stage for other, stage in self.fits if other is pipeline})
        for stage in [stage for stage in pipeline.stages if stage not in behind]:
            key = id(pipeline), stage
            existing = pipeline.existing(stage)
            self.existing.setdefault(key, existing)
            missing = {*pipeline.missing(stage, existing)}
            missing |= {n for n in pipeline.partitions if (*key, n) in self.waiting}  # also those that run
            self.left[key] = len(missing)
            self.standing |= {(*key, n) for n in pipeline.partitions}
            self.standing -= {(*key, n) for n in missing}
            if report := self.reports.get(key):
                report.fresh = report.partitions - len(missing) - len(report.receipts)
                for item in (WorkItem(pipeline, stage, number) for number in sorted(missing)):
                    if item.key not in self.waiting:
                        self.waiting[item.key] = item
                        self._promote(item)

    def _run_fits(self) -> None:
        """Run the fits of which all inputs stand, and open what is made from them."""
        for pipeline, stage in list(self.fits):
            if any(self.left.get((id(pipeline), name)) != 0 for name in pipeline.fit_inputs[stage]):
                continue
            if pipeline.why_fit(stage):
                if self.fence is not None:
                    self.fence.check()
                self.before_work()
                self.call(f"fit {stage}", partial(pipeline.fit, stage))
            self.fits.remove((pipeline, stage))
            self._open(pipeline)
            for report in self.reports.values():
                self.watch(report)

    def run(self) -> list[StageReport]:
        for report in self.reports.values():
            self.watch(report)
        self._run_fits()
        failure: StageFailed | BadModel | None = None
        while self.ready and not failure:  # again, where a fit asks for a stage that had nothing to do
            self.before_work()
            failure = self._run_ready()
        if self.fence is not None:
            self.fence.check()
        for (pipeline_id, stage), report in self.reports.items():
            if report.finished and report.error is None:
                pipeline = next(p for p in self.pipelines if id(p) == pipeline_id)
                for path in pipeline.superseded(stage, self.existing[pipeline_id, stage]):
                    path.unlink(missing_ok=True)
        if failure:
            raise failure
        if self.waiting or self.fits:
            raise self._absent()
        return list(self.reports.values())

    def _run_ready(self) -> StageFailed | BadModel | None:
        """Run all that can start, on Ray, which is first imported here; returns what ended it early."""
        from tasks.engine.pool import ActorPools, connect
        from tasks.engine.prometheus import RunMetrics

        connect(self.params)
        self.metrics = RunMetrics()
        pools = ActorPools(self.params, {r.stage for r in self.reports.values() if not r.finished})
        try:
            self._loop(pools)
        except (StageFailed, BadModel) as error:
            return error
        finally:
            pools.close()
        return None

    def _loop(self, pools: ActorPools) -> None:
        ready: dict[str, ReadyItems] = defaultdict(ReadyItems)
        while any(item.stage in pools.stages for item in self.ready) or pools.running or any(ready.values()):
            for item in self.ready:
                if item.stage in pools.stages:
                    ready[pools.pool_of(item.stage)].add(item)
            self.ready = [item for item in self.ready if item.stage not in pools.stages]
            for name, waiting in ready.items():
                free = sorted(pools.free(name, len(waiting)), key=lambda one: not waiting.has(one.last))
                for worker in free[: len(waiting)]:
                    item = waiting.take(worker.last, pools.held(name))
                    worker.last = item.partition
                    alone = item.suspects[0] if item.suspects else None
                    workers = pools.size_of(item.stage)
                    work = item.work(self.receipts, workers, self.limits, self.fence)
                    pools.submit(item, worker, item.pipeline.stages[item.stage], work, alone)
            pools.make_room()
            self.metrics.stand(pools.pools, ready)
            for item, outcome in pools.finished(timeout_s=1.0):
                if not isinstance(outcome, Receipt):
                    item.learn_from(outcome)
                    self.ready.append(item)
                else:
                    self._commit(item, outcome)
                    if not any(count for (_, stage), count in self.left.items() if stage == item.stage):
                        pools.end(item.stage)
            self._run_fits()

    def _commit(self, item: WorkItem, receipt: Receipt) -> None:
        del self.waiting[item.key]
        self.standing.add(item.key)
        self.left[id(item.pipeline), item.stage] -= 1
        report = self.reports[id(item.pipeline), item.stage]
        report.receipts.append(receipt)
        self.metrics.done(receipt)
        self.watch(report)
        for stage, inputs in item.pipeline.inputs.items():
            follower = self.waiting.get((id(item.pipeline), stage, item.number))
            if follower and item.stage in inputs:
                self._promote(follower)

    def _absent(self) -> ValueError:
        """What the first work item (or fit) waits for, which nothing in this run makes."""
        if self.waiting:
            item = next(iter(self.waiting.values()))
            stage, absent = (
                item.stage,
                [s for s in item.pipeline.inputs[item.stage] if not self._stands(item, s)],
            )
        else:
            pipeline, stage = self.fits[0]
            absent = [s for s in pipeline.fit_inputs[stage] if self.left.get((id(pipeline), s)) != 0]
        return ValueError(f"stage {stage} needs {', '.join(absent)}, which has not run; run it first")

    def _stands(self, item: WorkItem, stage: str) -> bool:
        return (id(item.pipeline), stage, item.number) in self.standing

    def _promote(self, item: WorkItem) -> None:
        if all(self._stands(item, stage) for stage in item.pipeline.inputs[item.stage]):
            self.ready.append(item)
