"""The scheduler: partition k of a stage starts as soon as partition k of everything it reads stands.

All stages of a flow share one pool, but for those with workers of their own. Work nearest the end of the chain goes first, so partitions
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
from tasks.engine.pipeline import Chain, Standing
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
class _Ticket:
    """One partition of one stage on its way, and what has happened to it so far."""

    chain: Chain
    stage: str
    number: int
    crashes: int = 0
    suspects: list[str] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    poison: dict[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Which of the ready goes first: the last stage, then the lowest number; the id only ends ties."""
        return -self.chain.order.index(self.stage), self.number, id(self)

    @property
    def key(self) -> tuple[int, str, int]:
        return id(self.chain), self.stage, self.number


_Heap = list[tuple[int, int, int, _Ticket]]
Watcher = Callable[[StageReport], None]


def run_chains(
    chains: Sequence[Chain],
    params: EngineParams,
    receipts: Path,
    watch: Watcher = lambda report: None,
    only: set[str] | None = None,
) -> list[StageReport]:
    """Bring every stage of every chain up to date; starts no Ray when nothing is missing.

    Args:
        receipts: folder for receipts, outside the table.
        watch: called whenever a stage's report changes (also once at the start).
        only: names of the stages to run (default: all).

    Raises:
        StageFailed: a stage raised something that is no SongError; what was committed stands.
    """
    return _Run(chains, params, receipts, watch, only).run()


class _Run:
    def __init__(
        self,
        chains: Sequence[Chain],
        params: EngineParams,
        receipts: Path,
        watch: Watcher,
        only: set[str] | None,
    ) -> None:
        self.params, self.receipts, self.watch = params, receipts, watch
        self.limits = Limits(params.song_limit_s, params.song_limit_per_audio_s, params.song_memory_mb)
        self.fence = fence_over(receipts)
        self.reports: dict[tuple[int, str], StageReport] = {}
        self.waiting: dict[tuple[int, str, int], _Ticket] = {}
        self.ready: list[_Ticket] = []
        self.standing: set[tuple[int, str, int]] = set()
        self.listings: dict[tuple[int, str], Standing] = {}  # what was there before anything ran
        for chain in chains:
            for stage in chain.stages:
                listing = self.listings[id(chain), stage] = chain.standing(stage)
                missing = chain.missing(stage, listing)
                stale = set(missing)
                self.standing |= {(id(chain), stage, n) for n in chain.partitions if n not in stale}
                if only is not None and stage not in only:
                    continue
                report = StageReport(stage, len(chain.partitions), len(chain.partitions) - len(missing))
                self.reports[id(chain), stage] = report
                for number in missing:
                    ticket = _Ticket(chain, stage, number)
                    self.waiting[ticket.key] = ticket
            self.standing |= {(id(chain), SOURCES, n) for n in chain.partitions}
        self.chains = list(chains)

    def run(self) -> list[StageReport]:
        for report in self.reports.values():
            self.watch(report)
        failure: StageFailed | BadModel | None = None
        if self.waiting:
            for ticket in list(self.waiting.values()):
                self._promote(ticket)
            if not self.ready:
                raise self._absent()
            connect(self.params)
            self.metrics = RunMetrics()
            pool = Pool(self.params, {ticket.stage for ticket in self.waiting.values()})
            try:
                self._loop(pool)
            except (StageFailed, BadModel) as error:
                failure = error
            finally:
                pool.close()
        if self.fence is not None:
            self.fence.check()
        for (chain_id, stage), report in self.reports.items():
            if report.finished and report.error is None:
                chain = next(c for c in self.chains if id(c) == chain_id)
                chain.remove_superseded(stage, self.listings[chain_id, stage])
        if failure:
            raise failure
        if self.waiting:
            raise self._absent()
        return list(self.reports.values())

    def _loop(self, pool: Pool) -> None:
        left = Counter(ticket.stage for ticket in self.waiting.values())
        ready: dict[str, _Heap] = defaultdict(list)
        while self.ready or pool.running or any(ready.values()):
            for ticket in self.ready:
                heapq.heappush(ready[pool.group_of(ticket.stage)], (*ticket.rank, ticket))
            self.ready.clear()
            for group, heap in ready.items():
                for _ in range(pool.free(group, len(heap))):
                    ticket = heapq.heappop(heap)[-1]
                    alone = ticket.suspects[0] if ticket.suspects else None
                    work = self._work(ticket, pool.size_of(ticket.stage))
                    pool.submit(ticket, ticket.chain.stages[ticket.stage], work, alone)
            pool.make_room()
            self.metrics.stand(pool.groups, ready)
            for ticket, outcome in pool.finished(timeout_s=1.0):
                if isinstance(outcome, Crash) and outcome.reason == NODE_LOST:
                    self.ready.append(ticket)  # no try of the song's
                elif isinstance(outcome, Crash):
                    self._blame(ticket, outcome)
                elif outcome is None:  # a song passed alone: it is not the one
                    ticket.suspects.pop(0)
                    self.ready.append(ticket)
                else:
                    self._commit(ticket, outcome)
                    left[ticket.stage] -= 1
                    if not left[ticket.stage]:
                        pool.end(ticket.stage)

    def _work(self, ticket: _Ticket, workers: int) -> Work:
        chain, stage, number = ticket.chain, ticket.stage, ticket.number
        path = chain.path(stage, number)
        return Work(
            stage,
            number,
            path,
            chain.shard_path(stage, number),
            {name: (chain.path(name, number), columns) for name, columns in chain.inputs[stage].items()},
            chain.recipe(stage, number),
            self.receipts / stage / f"{chain.name(stage, number)}.json",
            workers,
            self.limits,
            ticket.poison,
            self.fence,
            chain.table.songs_root,
        )

    def _commit(self, ticket: _Ticket, receipt: Receipt) -> None:
        del self.waiting[ticket.key]
        self.standing.add(ticket.key)
        report = self.reports[id(ticket.chain), ticket.stage]
        report.receipts.append(receipt)
        self.metrics.done(receipt)
        self.watch(report)
        for stage, inputs in ticket.chain.inputs.items():
            follower = self.waiting.get((id(ticket.chain), stage, ticket.number))
            if follower and ticket.stage in inputs:
                self._promote(follower)

    def _blame(self, ticket: _Ticket, crash: Crash) -> None:
        """Find the song that kills its worker: the partition whole, then its songs one at a time."""
        if ticket.suspects:
            song_id = ticket.suspects[0]
            ticket.tries[song_id] = ticket.tries.get(song_id, 0) + 1
            if ticket.tries[song_id] >= ALONE_TRIES:
                ticket.poison[song_id] = crash.reason
                ticket.suspects.pop(0)
        else:
            ticket.crashes += 1
            if ticket.crashes == WHOLE_TRIES:
                ticket.suspects = [
                    source.song_id for source in ticket.chain.partitions[ticket.number].sources
                ]
            elif ticket.crashes > 2 * WHOLE_TRIES:
                raise StageFailed(
                    f"{ticket.stage}: partition {ticket.number} ended its worker {ticket.crashes} times, "
                    f"but no song of it does so alone; last: {crash.reason} ({crash.detail})"
                )
        self.ready.append(ticket)

    def _absent(self) -> ValueError:
        """What the first waiting ticket waits for, which nothing in this run makes."""
        ticket = next(iter(self.waiting.values()))
        absent = [s for s in ticket.chain.inputs[ticket.stage] if not self._stands(ticket, s)]
        return ValueError(f"stage {ticket.stage} needs {', '.join(absent)}, which has not run; run it first")

    def _stands(self, ticket: _Ticket, stage: str) -> bool:
        return (id(ticket.chain), stage, ticket.number) in self.standing

    def _promote(self, ticket: _Ticket) -> None:
        if all(self._stands(ticket, stage) for stage in ticket.chain.inputs[ticket.stage]):
            self.ready.append(ticket)
