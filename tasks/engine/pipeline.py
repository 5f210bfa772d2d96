"""Stages in order over one table: who writes which column, and the name and cache_key of every column file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tasks.engine.columns import Column
from tasks.engine.fingerprint import CacheKey, fingerprint, stage_cache_key
from tasks.engine.interpreter import ask_cache_key
from tasks.engine.sources import SOURCES, Partition
from tasks.engine.stage import Stage
from tasks.engine.table import GONE, Table
from tasks.storage.files import names_in, parquet_file

LEAN = ".lean.parquet"
"""How a column file ends whose heavy columns were let go (tasks.upkeep.prune); it stands until they are needed again."""


@dataclass(frozen=True)
class Standing:
    """What one listing of a stage's folders found: names of column files, and of shards where it has a sink."""

    files: set[str]
    shards: set[str]


class Pipeline:
    """Stages in order over one table: who writes which column, and each file's name and cache_key."""

    def __init__(
        self,
        table: Table,
        stages: Sequence[Stage],
        shards: Path | None = None,
        pythons: Mapping[str, str] | None = None,
    ) -> None:
        """`shards`: where a stage with a `sink` column puts its shards. `pythons`: stages run by another one."""
        self.table = table
        self.pythons = pythons or {}
        self.shards = shards
        self.stages = {stage.name: stage for stage in stages}
        self.order = [SOURCES, *self.stages]
        writers: dict[str, str] = {}
        for stage in stages:
            for column in stage.writes:
                if column in writers:
                    raise ValueError(
                        f"column {column!r} is written by both {writers[column]} and {stage.name}"
                    )
                writers[column] = stage.name
        self.inputs: dict[str, dict[str, list[str]]] = {}
        for stage in stages:
            by_writer: dict[str, list[str]] = {}
            for column in sorted(stage.reads):
                writer = writers.get(column, SOURCES)
                if self.order.index(writer) >= self.order.index(stage.name):
                    raise ValueError(f"{stage.name} reads {column!r}, which only {writer} writes, later")
                by_writer.setdefault(writer, []).append(column)
            self.inputs[stage.name] = {name: by_writer[name] for name in self.order if name in by_writer}

    @property
    def columns(self) -> dict[str, Column]:
        """Every column of the table: those of the songs as they were listed, then those of each stage in order."""
        of_stages = [stage.writes for stage in self.stages.values()]
        return {name: column for part in (self.table.columns, *of_stages) for name, column in part.items()}

    @cached_property
    def partitions(self) -> dict[int, Partition]:
        """Partitions by number."""
        return {part.number: part for part in self.table.partitions()}

    @cached_property
    def _bases(self) -> dict[str, CacheKey]:
        asked = {
            name: ask_cache_key(python, self.stages[name])
            for name, python in self.pythons.items()
            if name in self.stages
        }
        return {name: asked.get(name) or stage_cache_key(stage) for name, stage in self.stages.items()}

    @cached_property
    def _fingerprints(self) -> dict[tuple[str, int], str]:
        return {}

    def cache_key(self, stage: str, number: int) -> CacheKey:
        """What the column file of this stage and partition must have been made from."""
        inputs = {name: self.fingerprint(name, number) for name in self.inputs[stage]}
        cache_key = {**self._bases[stage], "inputs": inputs}
        if type(self.stages[stage]).facts_of is not Stage.facts_of:  # else no song is read to see what stands
            ids = [source.song_id for source in self.partitions[number].sources]
            if songs := self.stages[stage].facts_of(ids):
                cache_key["songs"] = songs
        return cache_key

    def fingerprint(self, stage: str, number: int) -> str:
        """The fingerprint in the file's name."""
        if stage == SOURCES:
            return self.partitions[number].fingerprint
        if (stage, number) not in self._fingerprints:
            self._fingerprints[stage, number] = fingerprint(self.cache_key(stage, number))
        return self._fingerprints[stage, number]

    def name(self, stage: str, number: int) -> str:
        """The name of the column file of this stage and partition, without its ending."""
        return f"part-{number:05d}-{self.fingerprint(stage, number)}"

    def path(self, stage: str, number: int) -> Path:
        """Where the column file of this stage and partition stands once it is done."""
        return self.table.root / stage / f"{self.name(stage, number)}.parquet"

    def lean_path(self, stage: str, number: int) -> Path:
        """Where it stands without its heavy columns."""
        return self.path(stage, number).with_suffix(LEAN)

    def readers(self, stage: str) -> list[str]:
        """The stages that read columns of this one."""
        return [name for name, inputs in self.inputs.items() if stage in inputs]

    def shard_path(self, stage: str, number: int) -> Path | None:
        """The shard of a stage that has a `sink`; None for every other stage."""
        if self.stages[stage].sink is None:
            return None
        if self.shards is None:
            raise ValueError(f"stage {stage} writes shards, but this pipeline was given no shards folder")
        return self.shards / f"{self.name(stage, number)}.tar"

    def standing(self, stage: str) -> Standing:
        """One listing a folder, whatever the number of partitions."""
        has_shards = self.shards is not None and self.stages[stage].sink is not None
        return Standing(
            names_in(self.table.root / stage), names_in(self.shards) if self.shards and has_shards else set()
        )

    def missing(self, stage: str, standing: Standing | None = None) -> list[int]:
        """Partitions whose file (or shard) does not stand; lists the stage's folders unless it is told.

        A file that was let go stands as well, where all that reads it does.
        """
        standing = standing or self.standing(stage)
        sinks = self.shards is not None and self.stages[stage].sink is not None
        names = {number: self.name(stage, number) for number in self.partitions}
        packed = {number for number, name in names.items() if not sinks or f"{name}.tar" in standing.shards}
        whole = {number for number in packed if f"{names[number]}.parquet" in standing.files}
        lean = {number for number in packed - whole if f"{names[number]}{LEAN}" in standing.files}
        stands = whole | (lean - self.needed(stage) if lean else lean)
        return [number for number in names if number not in stands]

    def needed(self, stage: str) -> set[int]:
        """Partitions that a stage will yet read of this one."""
        return {number for reader in self.readers(stage) for number in self.missing(reader)}

    def remove_superseded(self, stage: str, standing: Standing | None = None) -> list[Path]:
        """Remove column files (and shards) that no current fingerprint names, as listed before the stage ran.

        Returns what went.
        """
        standing = standing or self.standing(stage)
        current = {self.name(stage, number) for number in self.partitions}
        kept = {f"{name}{ending}" for name in current for ending in (".parquet", LEAN)}
        gone = [self.table.root / stage / name for name in standing.files - kept]
        if self.shards:
            gone += [self.shards / n for n in standing.shards - {f"{name}.tar" for name in current}]
        gone = [path for path in gone if path.name.startswith("part-")]
        for path in gone:
            path.unlink(missing_ok=True)
        return gone

    def rows(
        self, columns: Iterable[str] = (), until: str | None = None, numbers: Iterable[int] | None = None
    ) -> list[dict[str, Any]]:
        """Every song as a dict of `song_id`, `drop_reason`, `dropped_by`, `partition`, `made_by` and `columns`.

        `made_by` lists what made the row so far, a line a stage.

        Read from the column files that stand; a column whose file is missing is absent from its rows.
        `until`: the drops counted are those seen by this stage (default: the last stage). `numbers`: of these
        partitions alone (default: all).
        """
        wanted = set(columns)
        last = until or self.order[-1]
        rows = []
        for number in self.partitions if numbers is None else numbers:
            part = self.partitions[number]
            merged: list[dict[str, Any]] = [
                {
                    "song_id": s.song_id,
                    "partition": number,
                    "drop_reason": None,
                    "dropped_by": None,
                    "made_by": [],
                }
                for s in part.sources
            ]
            every = wanted | {"drop_reason", "dropped_by", "made_by"}
            for name in self.order[: self.order.index(last) + 1]:
                found = _read(self.path(name, number), every)
                if found is None:
                    found = _read(self.lean_path(name, number), every)
                for row, values in zip(merged, found or [], strict=found is not None):
                    reason, by = values.pop("drop_reason"), values.pop("dropped_by")
                    if made_by := values.pop("made_by", None):
                        row["made_by"].append(made_by)
                    if reason and not row["drop_reason"]:
                        row.update(drop_reason=reason, dropped_by=by)
                    row.update(values)
            rows += merged
        return rows

    def listed_rows(self, columns: Iterable[str] = ()) -> list[dict[str, Any]]:
        """The rows of the songs that the last listing had; see `rows`."""
        return [row for row in self.rows(columns) if row["drop_reason"] != GONE]


def stored_cache_key(path: Path) -> CacheKey:
    """The cache_key kept inside a column file."""
    with parquet_file(path) as file:
        return json.loads((file.metadata.metadata or {}).get(b"cache_key", b"{}"))


def _read(path: Path, columns: set[str]) -> list[dict[str, Any]] | None:
    """The rows of a column file with those of these columns that it has; None where it does not stand."""
    try:
        file = parquet_file(path)
    except FileNotFoundError:
        return None
    with file:
        return file.read(columns=[name for name in file.schema_arrow.names if name in columns]).to_pylist()
