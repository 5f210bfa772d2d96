"""Stages in order over one table (`Pipeline`): who writes which column, existing outputs and shards, fits, and the name and cache key of every column file.

What a fit of a stage says of the whole table is one file beside its column files, ``<stage>/fit.json``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tasks.engine.columns import Column
from tasks.engine.fingerprint import (
    FINGERPRINT_CHARS,
    CacheKey,
    KeyTemplate,
    differences,
    fingerprint,
    stage_cache_key,
)
from tasks.engine.interpreter import ask_cache_key
from tasks.engine.sources import SOURCES, Edits, Partition, edits_within
from tasks.engine.stage import Stage, with_all_before
from tasks.engine.table import GONE, Table, partition_rows
from tasks.storage.files import names_in, write_json

FIT_NAME = "fit.json"
STUB = ".stub.parquet"
"""How a column file ends whose large columns were evicted (tasks.upkeep.prune); it stands until they are needed again."""


class Pipeline:
    """Stages in order over one table: who writes which column, and each file's name and cache key."""

    def __init__(
        self,
        table: Table,
        stages: Sequence[Stage],
        shards: Path | None = None,
        pythons: Mapping[str, str] | None = None,
        references: Mapping[str, Pipeline] | None = None,
        edits: Edits | None = None,
    ) -> None:
        """`shards`: where a stage with a `sink` column puts its shards. `pythons`: stages run by another one.

        `references`: what a stage's fit compares the table with, by the stage; it must stand when that one runs. `edits`:
        what people say by hand; only partitions of whose songs something is said have it in their cache keys.
        """
        self.table = table
        self.pythons = pythons or {}
        self.references = references or {}
        self.edits = edits or {}
        self.shards = shards
        self.stages = {stage.name: stage for stage in stages}
        self.order = [SOURCES, *self.stages]
        self._writers: dict[str, str] = {}
        for stage in stages:
            for column in stage.writes:
                if column in self._writers:
                    raise ValueError(
                        f"column {column!r} is written by both {self._writers[column]} and {stage.name}"
                    )
                self._writers[column] = stage.name
        self.inputs = {stage.name: self._by_writer(stage.name, stage.reads) for stage in stages}
        for stage in stages:
            if stage.sink:
                self.inputs[stage.name] = with_all_before(stage.name, self.order, self.inputs)
        self.fit_inputs = {
            stage.name: list(self._by_writer(stage.name, stage.fit_reads))
            for stage in stages
            if stage.fit_reads
        }
        self._fits: dict[str, dict[str, Any]] = {}
        self._names: dict[str, dict[int, str]] = {name: {} for name in self.stages}

    def _by_writer(self, stage: str, columns: Iterable[str]) -> dict[str, list[str]]:
        """The columns that a stage reads, by the stage that writes them, in order."""
        found: dict[str, list[str]] = {}
        for column in sorted(columns):
            writer = self._writers.get(column, SOURCES)
            if self.order.index(writer) >= self.order.index(stage):
                raise ValueError(f"{stage} reads {column!r}, which only {writer} writes, later")
            found.setdefault(writer, []).append(column)
        return {name: found[name] for name in self.order if name in found}

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

    def cache_key(self, stage: str, number: int) -> CacheKey:
        """What the column file of this stage and partition must have been made from."""
        inputs = {name: self.fingerprint(name, number) for name in self.inputs[stage]}
        cache_key = {**self._bases[stage], "inputs": inputs}
        if stage in self.fit_inputs and (said := self._fit(stage).get("songs")):
            ids = [source.song_id for source in self.partitions[number].sources]
            if songs := {song_id: said[song_id] for song_id in ids if song_id in said}:
                cache_key["songs"] = songs
        if edits := edits_within(self.edits, stage, self.partitions[number]):
            cache_key["edits"] = edits
        return cache_key

    def fingerprint(self, stage: str, number: int) -> str:
        """The fingerprint in the file's name."""
        if stage == SOURCES:
            return self.partitions[number].fingerprint
        return self.name(stage, number)[-FINGERPRINT_CHARS:]

    @cached_property
    def _templates(self) -> dict[str, KeyTemplate]:
        return {name: KeyTemplate(base, self.inputs[name]) for name, base in self._bases.items()}

    def name(self, stage: str, number: int) -> str:
        """The name of the column file of this stage and partition, without its ending."""
        if stage == SOURCES:
            return self.partitions[number].name
        known = self._names[stage]
        if number not in known:
            if stage in self.fit_inputs or stage in self.edits:
                made_of = fingerprint(self.cache_key(stage, number))
            else:
                inputs = [self.fingerprint(name, number) for name in self.inputs[stage]]
                made_of = self._templates[stage].fingerprint(inputs)
            known[number] = f"part-{number:05d}-{made_of}"
        return known[number]

    def path(self, stage: str, number: int) -> Path:
        """Where the column file of this stage and partition stands once it is done."""
        return self.table.root / stage / f"{self.name(stage, number)}.parquet"

    def stub_path(self, stage: str, number: int) -> Path:
        """Where it stands without its large columns."""
        return self.path(stage, number).with_suffix(STUB)

    def fit_path(self, stage: str) -> Path:
        """Where the fit of a stage that has one stands."""
        return self.table.root / stage / FIT_NAME

    def why_fit(self, stage: str) -> list[str]:
        """Why the fit of this stage would run, as readable lines; empty where it stands, or there is none."""
        if stage not in self.fit_inputs:
            return []
        old = self._fit(stage).get("cache_key")
        return ["never made"] if old is None else differences(old, self._fit_cache_key(stage))

    def fit(self, stage: str) -> None:
        """Run the fit of a stage and keep what it says; what it reads must stand."""
        reference, until = self.references.get(stage), self.fit_inputs[stage][-1]
        beside = _WholeTable(reference, reference.order[-1]) if reference else None
        said = self.stages[stage].fit(_WholeTable(self, until), beside)
        write_json(self.fit_path(stage), {"cache_key": self._fit_cache_key(stage), "songs": said})
        self._fits.clear()
        self._names = {name: {} for name in self.stages}

    def _fit(self, stage: str) -> dict[str, Any]:
        """The fit of a stage as its file has it; empty where it never ran."""
        if stage not in self._fits:
            path = self.fit_path(stage)
            self._fits[stage] = json.loads(path.read_text()) if path.is_file() else {}
        return self._fits[stage]

    def _fit_cache_key(self, stage: str) -> CacheKey:
        """All that decides a fit."""
        one, reference = self.stages[stage], self.references.get(stage)
        return {
            "version": one.fit_version,
            **one.fit_facts,
            "inputs": self._made_of(self.fit_inputs[stage]),
            "reference": reference._made_of(reference.stages) if reference else None,
        }

    def _made_of(self, stages: Collection[str]) -> str:
        """One hash of everything that these stages make of the table."""
        return fingerprint(
            [self.fingerprint(stage, number) for number in self.partitions for stage in stages]
        )

    def made_from(self, stages: Collection[str]) -> set[str]:
        """These stages, and all that is made from what they write, however far away."""
        found = set(stages)
        for name, inputs in self.inputs.items():
            if found & inputs.keys():
                found.add(name)
        return found

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

    def _shards_of(self, stage: str) -> Path | None:
        return self.shards if self.stages[stage].sink else None

    def existing(self, stage: str) -> set[str]:
        """Names of the column files and shards of a stage: one listing a folder, whatever the number of partitions."""
        shards = self._shards_of(stage)
        return names_in(self.table.root / stage) | (names_in(shards) if shards else set())

    def missing(self, stage: str, existing: set[str] | None = None) -> list[int]:
        """Partitions whose file (or shard) does not stand; lists the stage's folders unless it is told.

        A file that was evicted stands as well, where all that reads it does.
        """
        existing = self.existing(stage) if existing is None else existing
        sinks = self._shards_of(stage) is not None
        names = {number: self.name(stage, number) for number in self.partitions}
        packed = {number for number, name in names.items() if not sinks or f"{name}.tar" in existing}
        whole = {number for number in packed if f"{names[number]}.parquet" in existing}
        stub = {number for number in packed - whole if f"{names[number]}{STUB}" in existing}
        stands = whole | (stub - self.needed(stage) if stub else stub)
        return [number for number in names if number not in stands]

    def needed(self, stage: str) -> set[int]:
        """Partitions that a stage will yet read of this one."""
        return {number for reader in self.readers(stage) for number in self.missing(reader)}

    def superseded(self, stage: str, existing: set[str] | None = None) -> list[Path]:
        """Column files, then shards, that no current fingerprint names; lists the folders unless it is told."""
        folder, shards = self.table.root / stage, self._shards_of(stage)
        names = self.existing(stage) if existing is None else existing
        current = {self.name(stage, number) for number in self.partitions}
        old = [name for name in names if name.startswith("part-") and name.partition(".")[0] not in current]
        old.sort(key=lambda name: (name.endswith(".tar"), name))
        return [shards / name if shards and name.endswith(".tar") else folder / name for name in old]

    def rows(
        self, columns: Iterable[str] = (), until: str | None = None, numbers: Iterable[int] | None = None
    ) -> list[dict[str, Any]]:
        """Every song as a dict of `song_id`, `drop_reason`, `dropped_by`, `partition`, `made_by` and `columns`.

        `made_by` lists what made the row so far, a line a stage.

        Read from the column files that stand; a column whose file is missing is absent from its rows.
        `until`: the drops counted are those seen by this stage (default: the last stage). `numbers`: of these
        partitions alone (default: all).
        """
        wanted = {*columns}
        stages = self.order[: self.order.index(until or self.order[-1]) + 1]
        rows = []
        for number in self.partitions if numbers is None else numbers:
            files = [(self.path(stage, number), self.stub_path(stage, number)) for stage in stages]
            rows += partition_rows(self.partitions[number], files, wanted)
        return rows

    def listed_rows(self, columns: Iterable[str] = ()) -> list[dict[str, Any]]:
        """The rows of the songs that the last listing had; see `rows`. One whose file a stage did not find is among them."""
        return [
            row for row in self.rows(columns) if (row["dropped_by"], row["drop_reason"]) != (SOURCES, GONE)
        ]


@dataclass(frozen=True)
class _WholeTable:
    """The songs of a pipeline, as far as the stage `until`, for a fit; a partition is read when it is reached."""

    pipeline: Pipeline
    until: str

    def rows(
        self, columns: Iterable[str], song_ids: Collection[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        for number, part in self.pipeline.partitions.items():
            if song_ids is not None and not any(s.song_id in song_ids for s in part.sources):
                continue
            for row in self.pipeline.rows(columns, self.until, [number]):
                if song_ids is None or row["song_id"] in song_ids:
                    yield row
