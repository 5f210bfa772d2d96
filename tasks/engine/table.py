"""The song table: a row a song, a column a fact, cut into partitions that keep their members.

``<root>/<stage>/part-00042-<fingerprint>.parquet`` holds `song_id`, the columns the stage writes,
`drop_reason`, `dropped_by` and `made_by`; the same number in every folder is the same songs. A
partition whose file stands is done, so listing a folder is the state.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.engine.columns import COLUMNS
from tasks.engine.files import write_bytes
from tasks.engine.fingerprint import Recipe, fingerprint, stage_recipe
from tasks.engine.stage import Stage

SOURCES = "sources"
BOOKKEEPING = (("drop_reason", pa.string()), ("dropped_by", pa.string()), ("made_by", pa.string()))


@dataclass(frozen=True)
class Source:
    """A song as it was found, before anything is computed.

    `identity` hashes everything that decides its columns (audio, lyrics, style, manifest facts; never
    paths or times). `group`: songs of different groups never share a partition.
    """

    song_id: str
    identity: str
    facts: dict[str, Any] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True)
class Partition:
    """Partition `number`: who is in it (for ever) and what they are made of now."""

    number: int
    sources: tuple[Source, ...]

    @cached_property
    def fingerprint(self) -> str:
        """Covers ids, identities and refusals; not paths."""
        return fingerprint([[s.song_id, s.identity, s.facts.get("refused")] for s in self.sources])


class Table:
    """One table on disk. Rows are admitted by `admit`; column files are written by tasks.engine.partition."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def partitions(self) -> list[Partition]:
        """Every partition, by number."""
        return [_read_partition(path) for path in sorted((self.root / SOURCES).glob("part-*.parquet"))]

    def admit(self, sources: Sequence[Source], partition_size: int) -> list[Partition]:
        """Take in a fresh listing: known songs keep their partition, new ones open new partitions.

        A known song that is not in the listing stays, refused as ``source_gone``. New songs are cut in
        the order of (group, identity), so that a shard is never one album.

        Raises:
            ValueError: two sources share a song id.
        """
        listed = {source.song_id: source for source in sources}
        if len(listed) != len(sources):
            raise ValueError(
                f"song_id: {_first_double(sources)!r} stands twice in the listing; ids must be unique"
            )
        known = self.partitions()
        kept = [
            Partition(part.number, tuple(listed.pop(s.song_id, _gone(s)) for s in part.sources))
            for part in known
        ]
        fresh = sorted(listed.values(), key=lambda source: (source.group, source.identity, source.song_id))
        number = max((part.number for part in known), default=-1) + 1
        for members in _cut(fresh, partition_size):
            kept.append(Partition(number, tuple(members)))
            number += 1
        for part in kept:
            self.write_partition(part)
        return kept

    def write_partition(self, part: Partition) -> None:
        """Who is in a partition from now on; `admit` is the way songs come in."""
        columns = sorted({name for source in part.sources for name in source.facts})
        arrays = {
            "song_id": pa.array([s.song_id for s in part.sources], pa.string()),
            "identity": pa.array([s.identity for s in part.sources], pa.string()),
            "group": pa.array([s.group for s in part.sources], pa.string()),
            "drop_reason": pa.array([s.facts.get("refused") for s in part.sources], pa.string()),
            "dropped_by": pa.array(
                [SOURCES if s.facts.get("refused") else None for s in part.sources], pa.string()
            ),
        }
        for name in columns:
            arrays[name] = pa.array([s.facts.get(name) for s in part.sources], COLUMNS[name].type)
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(arrays), sink)
        write_bytes(self.root / SOURCES / f"part-{part.number:05d}.parquet", sink.getvalue().to_pybytes())


class Chain:
    """Stages in order over one table: who writes which column, and each file's name and recipe."""

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

    @cached_property
    def partitions(self) -> dict[int, Partition]:
        """Partitions by number."""
        return {part.number: part for part in self.table.partitions()}

    @cached_property
    def _bases(self) -> dict[str, Recipe]:
        return {name: stage_recipe(stage, self.pythons.get(name)) for name, stage in self.stages.items()}

    @cached_property
    def _recipes(self) -> dict[tuple[str, int], Recipe]:
        return {}

    def recipe(self, stage: str, number: int) -> Recipe:
        """What the column file of this stage and partition must have been made from."""
        if (stage, number) not in self._recipes:
            inputs = {name: self.fingerprint(name, number) for name in self.inputs[stage]}
            recipe = {**self._bases[stage], "inputs": inputs}
            ids = [source.song_id for source in self.partitions[number].sources]
            if songs := self.stages[stage].facts_of(ids):
                recipe["songs"] = songs
            self._recipes[stage, number] = recipe
        return self._recipes[stage, number]

    def fingerprint(self, stage: str, number: int) -> str:
        """The fingerprint in the file's name."""
        if stage == SOURCES:
            return self.partitions[number].fingerprint
        return fingerprint(self.recipe(stage, number))

    def path(self, stage: str, number: int) -> Path:
        """Where the column file of this stage and partition stands once it is done."""
        if stage == SOURCES:
            return self.table.root / SOURCES / f"part-{number:05d}.parquet"
        return self.table.root / stage / f"part-{number:05d}-{self.fingerprint(stage, number)}.parquet"

    def shard_path(self, stage: str, number: int) -> Path | None:
        """The shard of a stage that has a `sink`; None for every other stage."""
        if self.stages[stage].sink is None:
            return None
        if self.shards is None:
            raise ValueError(f"stage {stage} writes shards, but this chain was given no shards folder")
        return self.shards / self.path(stage, number).with_suffix(".tar").name

    def missing(self, stage: str) -> list[int]:
        """Partitions whose file does not stand; one listing a folder, whatever the number of partitions."""
        standing = _listing(self.table.root / stage)
        shards = _listing(self.shards) if self.shards and self.stages[stage].sink else None
        return [
            number
            for number in self.partitions
            if self.path(stage, number).name not in standing
            or (shards is not None and self.path(stage, number).with_suffix(".tar").name not in shards)
        ]

    def superseded(self, stage: str) -> list[Path]:
        """Column files (and shards) of a stage that no current fingerprint names."""
        current = {self.path(stage, number).name for number in self.partitions}
        folders = [(self.table.root / stage, current)]
        if self.stages[stage].sink and self.shards:
            folders.append((self.shards, {Path(name).with_suffix(".tar").name for name in current}))
        found = [folder / name for folder, keep in folders for name in _listing(folder) if name not in keep]
        return sorted(path for path in found if path.name.startswith("part-"))

    def remove_superseded(self, stage: str) -> list[Path]:
        """Remove what is superseded; returns what went."""
        gone = self.superseded(stage)
        for path in gone:
            path.unlink()
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
            for name in self.order[: self.order.index(last) + 1]:
                path = self.path(name, number)
                if not path.is_file():
                    continue
                names = pq.read_schema(path).names
                chosen = [c for c in names if c in wanted or c in ("drop_reason", "dropped_by", "made_by")]
                for row, values in zip(merged, pq.read_table(path, columns=chosen).to_pylist(), strict=True):
                    reason, by = values.pop("drop_reason"), values.pop("dropped_by")
                    if made_by := values.pop("made_by", None):
                        row["made_by"].append(made_by)
                    if reason and not row["drop_reason"]:
                        row.update(drop_reason=reason, dropped_by=by)
                    row.update(values)
            rows += merged
        return rows


def stored_recipe(path: Path) -> Recipe:
    """The recipe kept inside a column file."""
    metadata = pq.read_metadata(path).metadata or {}
    return json.loads(metadata.get(b"recipe", b"{}"))


def _read_partition(path: Path) -> Partition:
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        del row["drop_reason"], row["dropped_by"]
    sources = tuple(Source(r.pop("song_id"), r.pop("identity"), group=r.pop("group"), facts=r) for r in rows)
    return Partition(int(path.stem.split("-")[1]), sources)


def _gone(source: Source) -> Source:
    return Source(source.song_id, source.identity, {**source.facts, "refused": "source_gone"}, source.group)


def _cut(sources: list[Source], size: int) -> Iterable[list[Source]]:
    start = 0
    for end in range(1, len(sources) + 1):
        if end == len(sources) or end - start == size or sources[end].group != sources[start].group:
            yield sources[start:end]
            start = end


def _first_double(sources: Sequence[Source]) -> str:
    ids = sorted(source.song_id for source in sources)
    return next(first for first, second in pairwise(ids) if first == second)


def _listing(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()
