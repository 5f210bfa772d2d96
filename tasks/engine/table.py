"""The song table: a row a song, a column a fact; new sources admitted and cut into partitions that keep their members, too many gone refused.

``<root>/<stage>/part-00042-<fingerprint>.parquet`` holds `song_id`, the columns the stage writes,
`drop_reason`, `dropped_by` and `made_by`; the same number in every folder is the same songs, those of
``sources/part-00042-<fingerprint>.parquet``. A partition whose file stands is done, so one listing a folder
is the state, and nothing is opened to see it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.sources import SOURCES, Partition, Source, partitions_in, write_partition
from tasks.storage.files import TEMPORARY_PREFIX, names_in, parquet_file

GONE = "source_gone"  # the drop reason of a song that the last listing lacks
FEWEST_PARTITIONS = 8
"""Into so many a few songs are cut, since a partition is what a worker takes. A number of its own, never that of the
workers: the same songs give the same shards, and so the same order in training, on a laptop and on a cluster."""
BOOKKEEPING = (("drop_reason", pa.string()), ("dropped_by", pa.string()), ("made_by", pa.string()))


class Table:
    """One table on disk. Rows are admitted by `admit`; column files are written by tasks.engine.run_partition."""

    def __init__(self, root: Path, columns: Mapping[str, Column], songs_root: str = "") -> None:
        """`columns`: what can be known of a song before any stage runs. `songs_root`: where relative paths in them
        start; empty where the songs are in the table itself.
        """
        self.root, self.columns, self.songs_root = root, columns, songs_root

    def partitions(self) -> list[Partition]:
        """Every partition, by number."""
        return partitions_in(self.root / SOURCES)

    def admit(
        self, sources: Sequence[Source], partition_size: int, fewest: int = FEWEST_PARTITIONS
    ) -> list[Partition]:
        """Take in a fresh listing: known songs keep their partition, new ones open new partitions.

        A known song that is not in the listing stays, refused as ``source_gone``. New songs are cut in
        the order of (group, identity), so that a shard is never one album: `partition_size` of them a
        partition, fewer where `n` new ones would not fill `fewest` partitions: ``ceil(n / fewest)``, but as many as
        the largest partition that stands, so that a lost one is cut as it was.

        Raises:
            ValueError: two sources share a song id, or one has a fact that is no column of the table.
        """
        listed = {source.song_id: source for source in sources}
        if len(listed) != len(sources):
            raise ValueError(
                f"song_id: {_first_double(sources)!r} stands twice in the listing; ids must be unique"
            )
        members = {
            part.number: [listed.pop(s.song_id, _gone(s)) for s in part.sources] for part in self.partitions()
        }
        fresh = sorted(listed.values(), key=lambda source: (source.group, source.identity, source.song_id))
        first = max(members, default=-1) + 1
        standing_size = max(map(len, members.values()), default=1)
        size = min(partition_size, max(standing_size, math.ceil(len(fresh) / fewest)))
        members.update(enumerate(_cut(fresh, size), first))
        folder = self.root / SOURCES
        parts = [
            write_partition(folder, number, sources, self.columns) for number, sources in members.items()
        ]
        standing = {part.path.name for part in parts}
        for name in names_in(folder) - standing:
            if name.startswith(("part-", TEMPORARY_PREFIX)):
                (folder / name).unlink()
        return parts


def _gone(source: Source) -> Source:
    return Source(source.song_id, source.identity, {**source.facts, "refused": GONE}, source.group)


def _cut(sources: list[Source], size: int) -> Iterable[list[Source]]:
    start = 0
    for end in range(1, len(sources) + 1):
        if end == len(sources) or end - start == size or sources[end].group != sources[start].group:
            yield sources[start:end]
            start = end


def _first_double(sources: Sequence[Source]) -> str:
    ids = sorted(source.song_id for source in sources)
    return next(first for first, second in pairwise(ids) if first == second)


def partition_rows(
    part: Partition, files: Iterable[Sequence[Path]], columns: Collection[str]
) -> list[dict[str, Any]]:
    """Every song as a dict of `song_id`, `drop_reason`, `dropped_by`, `partition`, `made_by` and `columns`.

    Args:
        files: of each stage in order, where its column file may stand; the first that does is read.
        columns: a column whose file is missing is absent from the rows.
    """
    rows: list[dict[str, Any]] = [
        {
            "song_id": source.song_id,
            "partition": part.number,
            "drop_reason": None,
            "dropped_by": None,
            "made_by": [],
        }
        for source in part.sources
    ]
    wanted = {*columns, *(name for name, _ in BOOKKEEPING)}
    for paths in files:
        found = next((read for path in paths if (read := _read(path, wanted)) is not None), None)
        for row, values in zip(rows, found or [], strict=found is not None):
            reason, by = values.pop("drop_reason"), values.pop("dropped_by")
            if made_by := values.pop("made_by", None):
                row["made_by"].append(made_by)
            if reason and not row["drop_reason"]:
                row.update(drop_reason=reason, dropped_by=by)
            row.update(values)
    return rows


def _read(path: Path, columns: Collection[str]) -> list[dict[str, Any]] | None:
    """The rows of a column file with those of these columns that it has; None where it does not stand."""
    try:
        file = parquet_file(path)
    except FileNotFoundError:
        return None
    with file:
        return file.read(columns=[name for name in file.schema_arrow.names if name in columns]).to_pylist()
