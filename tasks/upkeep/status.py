"""Looking after a table: counts of every stage (`census`), why it would run again, fates and drops, and trying again (`retry`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.results.plural import counted
from tasks.engine.column_file import stored_cache_key
from tasks.engine.fingerprint import differences
from tasks.engine.pipeline import Pipeline
from tasks.engine.table import SOURCES
from tasks.upkeep.rates import receipts_of


@dataclass(frozen=True)
class StageCount:
    """One line of ``jam table``."""

    stage: str
    standing: int
    partitions: int
    dropped: dict[str, int]
    worker_s: float
    audio_s: float


def why(pipeline: Pipeline, stage: str) -> list[str]:
    """Why partitions of this stage would run, as readable lines with counts; empty when nothing would.

    Raises:
        ValueError: there is no such stage.
    """
    if stage not in pipeline.stages:
        raise ValueError(f"stage: {stage!r} is none of {', '.join(pipeline.stages)}")
    reasons: Counter[str] = Counter()
    for number in pipeline.missing(stage):
        folder = pipeline.table.root / stage
        olds = sorted(folder.glob(f"part-{number:05d}-*.parquet"))
        if not olds:
            reasons["never made"] += 1
        elif pipeline.stub_path(stage, number) in olds and pipeline.path(stage, number) not in olds:
            reasons["its large columns were evicted and are needed again"] += 1
        elif pipeline.path(stage, number) in olds:
            reasons["its shard is missing"] += 1
        else:
            cache_key = pipeline.cache_key(stage, number)
            old = stored_cache_key(olds[-1])
            known = old.get("inputs") or {}
            inputs = [
                f"input {name} changed"
                for name, made in cache_key["inputs"].items()
                if known.get(name) != made
            ]
            own = differences({**old, "inputs": None}, {**cache_key, "inputs": None})
            reasons.update(own + inputs or ["made from something else"])
    lines = [f"{line} ({count} partitions)" for line, count in reasons.most_common()]
    return lines + [f"its fit would run again: {line}" for line in pipeline.why_fit(stage)]


@dataclass(frozen=True)
class Changes:
    """What stages were made with and would not be made with now, each as ``stage key: old -> new``; `code`: versions of stages and
    packages, `settings`: all else of their own. `asked`: stages that were never made.
    """

    settings: list[str]
    code: list[str]
    asked: list[str]


def changes(pipeline: Pipeline) -> Changes:
    """What became of the first partition's columns since they were made; of what they were made from, its own change alone is told."""
    found = Changes([], [], [])
    number = min(pipeline.partitions)
    for stage in pipeline.stages:
        olds = sorted((pipeline.table.root / stage).glob(f"part-{number:05d}-*.parquet"))
        if not olds:
            found.asked.append(stage)
        elif pipeline.path(stage, number) not in olds:
            old, new = stored_cache_key(olds[-1]), pipeline.cache_key(stage, number)
            for line in differences({**old, "inputs": None}, {**new, "inputs": None}):
                is_code = line.startswith(("version:", "packages."))
                (found.code if is_code else found.settings).append(f"{stage} {line.removeprefix('params.')}")
    return found


def census(pipeline: Pipeline, receipts: Path) -> list[StageCount]:
    """Every stage of a table: partitions standing, drops by reason, worker and audio seconds."""
    drops: dict[str, Counter[str]] = {stage: Counter() for stage in pipeline.order}
    for row in pipeline.rows():
        if row["drop_reason"]:
            drops[row["dropped_by"]][row["drop_reason"]] += 1
    partitions = len(pipeline.partitions)
    counts = [StageCount(SOURCES, partitions, partitions, dict(drops[SOURCES]), 0.0, 0.0)]
    for stage in pipeline.stages:
        standing = partitions - len(set(pipeline.missing(stage)))
        notes = receipts_of(pipeline, stage, receipts)
        worker_s, audio_s = (sum(note[kind] for note in notes) for kind in ("seconds", "audio_s"))
        counts.append(StageCount(stage, standing, partitions, dict(drops[stage]), worker_s, audio_s))
    return counts


@dataclass(frozen=True)
class Fates:
    """What became of the songs so far: kept + dropped + not_yet = in."""

    kept: list[dict[str, Any]]
    dropped: list[dict[str, Any]]
    not_yet: list[dict[str, Any]]  # neither dropped nor through the last stage

    def __str__(self) -> str:
        count = len(self.kept) + len(self.dropped) + len(self.not_yet)
        waiting = f", {len(self.not_yet)} not yet through" if self.not_yet else ""
        return f"{counted(count, 'song')} in, {len(self.kept)} kept, {len(self.dropped)} dropped{waiting}"


def fates(pipeline: Pipeline, rows: Iterable[dict[str, Any]]) -> Fates:
    """The songs of `pipeline.rows(...)` by what became of them."""
    open_partitions, found = set(unfinished(pipeline)), Fates([], [], [])
    for row in rows:
        if row["drop_reason"]:
            found.dropped.append(row)
        else:
            (found.not_yet if row["partition"] in open_partitions else found.kept).append(row)
    return found


def unfinished(pipeline: Pipeline) -> list[int]:
    """Partitions that have not passed the last stage."""
    return pipeline.missing(pipeline.order[-1])


def forget_drops(pipeline: Pipeline, reason: str) -> list[Path]:
    """Remove the column files that dropped a song for `reason`, and all made from them; returns them.

    The next run makes exactly those again.

    Raises:
        ValueError: no song was dropped for this reason.
    """
    rows = pipeline.rows()
    known = sorted({row["drop_reason"] for row in rows if row["drop_reason"]})
    if reason not in known:
        raise ValueError(
            f"reason: no song was dropped for {reason!r}; reasons here: {', '.join(known) or 'none'}"
        )
    gone: list[Path] = []
    remade: set[str] = set()
    for row in rows:
        if row["drop_reason"] != reason or row["dropped_by"] == SOURCES:
            continue
        stale = pipeline.made_from({row["dropped_by"]})
        remade |= stale
        number = row["partition"]
        paths = [path(stage, number) for stage in stale for path in (pipeline.path, pipeline.stub_path)]
        gone += [path for path in paths if path.is_file()]
    for path in set(gone):
        path.unlink()
    for stage, inputs in pipeline.fit_inputs.items():
        if remade & {*inputs}:  # songs that come back count again in the fit
            pipeline.fit_path(stage).unlink(missing_ok=True)
    return sorted(set(gone))
