"""Who is in the table: songs (`Source`) with the facts they were found with, in partitions that keep their members for ever; edits within."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.engine.columns import Column
from tasks.engine.fingerprint import fingerprint
from tasks.storage.files import names_in, parquet_rows, write_bytes

SOURCES = "sources"
CONTENT_HASH = "content_hash"  # of the audio file; its name among the facts that a listing gives
REFUSED = Column(pa.string(), "reason found while listing (duplicate, source_gone ...); null = none")
Edits = Mapping[str, Mapping[str, Any]]
"""What people say by hand: stage -> content hash of a song's audio -> what is said to the stage of the song, as JSON."""
_PART = re.compile(r"part-(\d{5,})-([0-9a-f]+)\.parquet")


@dataclass(frozen=True, slots=True)
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
    """Partition `number`: who is in it (for ever) and what they are made of now, as its file says.

    `fingerprint`, in the file's name, covers ids, identities and refusals; not paths.
    """

    number: int
    fingerprint: str
    folder: Path

    @property
    def name(self) -> str:
        """The name of its file, without the ending."""
        return f"part-{self.number:05d}-{self.fingerprint}"

    @property
    def path(self) -> Path:
        """Its file."""
        return self.folder / f"{self.name}.parquet"

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Its songs, read when they are asked for."""
        rows = parquet_rows(self.path)
        for row in rows:
            del row["drop_reason"], row["dropped_by"]
        return tuple(
            Source(row.pop("song_id"), row.pop("identity"), group=row.pop("group"), facts=row) for row in rows
        )


def partitions_in(folder: Path) -> list[Partition]:
    """Every partition, by number, from one listing.

    An admission that was cut off leaves two files of a number. Either is whole; the next admission leaves one.
    """
    found = [(name, match) for name in names_in(folder) if (match := _PART.fullmatch(name))]
    parts = [Partition(int(match[1]), match[2], folder) for _, match in sorted(found)]
    return sorted({part.number: part for part in parts}.values(), key=lambda part: part.number)


def write_partition(
    folder: Path, number: int, sources: Sequence[Source], columns: Mapping[str, Column]
) -> Partition:
    """Write who is in a partition from now on, and what they are made of.

    Raises:
        ValueError: a fact of a source is none of `columns`.
    """
    columns = {"refused": REFUSED, **columns}
    names = sorted({name for source in sources for name in source.facts})
    if undeclared := [name for name in names if name not in columns]:
        raise ValueError(
            f"{undeclared[0]!r} of {sources[0].song_id!r} is no column of this table; declare it"
        )
    arrays = {
        "song_id": pa.array([s.song_id for s in sources], pa.string()),
        "identity": pa.array([s.identity for s in sources], pa.string()),
        "group": pa.array([s.group for s in sources], pa.string()),
        "drop_reason": pa.array([s.facts.get("refused") for s in sources], pa.string()),
        "dropped_by": pa.array([SOURCES if s.facts.get("refused") else None for s in sources], pa.string()),
    }
    for name in names:
        arrays[name] = pa.array([s.facts.get(name) for s in sources], columns[name].type)
    made_of = fingerprint([[s.song_id, s.identity, s.facts.get("refused")] for s in sources])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays), sink)
    part = Partition(number, made_of, folder)
    write_bytes(part.path, sink.getvalue().to_pybytes())
    return part


def edits_within(edits: Edits, stage: str, part: Partition) -> dict[str, Any]:
    """What is said to a stage of the songs of a partition, by song id; of a song that the listing refused nothing."""
    said = edits.get(stage)
    if not said:
        return {}
    return {
        source.song_id: said[source.facts[CONTENT_HASH]]
        for source in part.sources
        if source.facts.get(CONTENT_HASH) in said and not source.facts.get("refused")
    }
