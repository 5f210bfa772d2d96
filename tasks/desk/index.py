"""The derived index of a table (`SongIndex`): a row a song with what it can be found, filtered and sorted by, written stage by stage into one SQLite file.

Each partition is read once for the column files it has; when their names change it is read again, and only it. The
file can be removed at any time: it is made again. No song is held in memory but those of one partition.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.desk.existing import changed_at, column_files
from tasks.engine.sources import SOURCES
from tasks.quality.measures import MEASURES
from tasks.storage.files import parquet_file

INDEX_VERSION = 1  # rises when the columns below change, so that an older index is made anew
TEXTS = ("title", "artist", "license", "source", "content_hash", "language", "split")
MEASURED = tuple(measure.name for measure in MEASURES)
KEPT, DROPPED, WAITING = "kept", "dropped", "waiting"
COMMIT_EVERY = 50  # partitions
_OF_STAGE: Mapping[str, tuple[str, ...]] = {
    SOURCES: ("title", "artist", "license", "source", "content_hash"),
    "ingest": ("duration_s", "lyrics_language"),
    "transcribe": ("language",),
    "align": ("song_language",),
    "check": ("quality",),
    "group": ("split",),
}
_LAST = ("filter", "pack")
"""Where `filter` stands it has every drop before it, so the other files are read only for the columns above."""
_DROPS = ("drop_reason", "dropped_by")
_COLUMNS = ("song_id", "partition", "state", "reason", "dropped_by", *TEXTS, *MEASURED)


class SongIndex:
    """The index of one table."""

    def __init__(self, table: Path, stages: Sequence[str], path: Path) -> None:
        """`stages`: of the table, sources first, in order. `path`: the SQLite file."""
        self.table, self.stages, self.path = table, tuple(stages), path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self.unread = 0  # partitions whose files could not be read when it last looked
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self._is_ours():
            for old in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                old.unlink(missing_ok=True)
            with self.open() as rows:
                rows.executescript(_schema())

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one answer or one change, committed at its end."""
        connection = sqlite3.connect(self.path, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def is_stale(self) -> bool:
        """Whether column files came or went since the last refresh."""
        return changed_at(self.table, self.stages) != self._seen

    def refresh(self, told: Callable[[int, int], None] = lambda done, total: None) -> int:
        """Read the partitions whose files changed; returns how many. `told` hears how many of how many are done."""
        with self._lock:
            seen = changed_at(self.table, self.stages)
            files = column_files(self.table, self.stages)
            with self.open() as rows:
                known = dict(rows.execute("SELECT number, files FROM parts").fetchall())
                gone = known.keys() - files.keys()
                rows.executemany("DELETE FROM songs WHERE partition = ?", [(number,) for number in gone])
                rows.executemany("DELETE FROM parts WHERE number = ?", [(number,) for number in gone])
            keys = {number: _key(of_part) for number, of_part in files.items()}
            changed = [number for number in files if known.get(number) != keys[number]]
            unread = 0
            for first in range(0, len(changed), COMMIT_EVERY):
                numbers = changed[first : first + COMMIT_EVERY]
                with self.open() as rows:
                    for number in numbers:
                        unread += not self._replace(rows, number, files[number], keys[number])
                told(min(first + COMMIT_EVERY, len(changed)), len(changed))
            self._seen, self.unread = seen, unread
            return len(changed)

    def _replace(self, rows: sqlite3.Connection, number: int, files: Mapping[str, Path], key: str) -> bool:
        """Whether the partition could be read."""
        try:
            songs = partition_songs(number, files)
        except (
            FileNotFoundError,
            pa.ArrowException,
        ):  # a run replaced or removed it meanwhile: at the next look
            return False
        marks = ", ".join("?" * len(_COLUMNS))
        rows.execute("DELETE FROM songs WHERE partition = ?", (number,))
        values = [[song.get(name) for name in _COLUMNS] for song in songs]
        rows.executemany(f"INSERT OR REPLACE INTO songs VALUES ({marks})", values)
        rows.execute("INSERT OR REPLACE INTO parts VALUES (?, ?)", (number, key))
        return True

    def _is_ours(self) -> bool:
        with suppress(sqlite3.DatabaseError), self.open() as rows:
            return rows.execute("PRAGMA user_version").fetchone()[0] == INDEX_VERSION
        return False


def partition_songs(number: int, files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The index's rows of one partition, from its column files by stage, in order."""
    through = _LAST[0] in files
    songs: list[dict[str, Any]] = []
    for stage, path in files.items():
        drops = () if through and stage not in (SOURCES, *_LAST) else _DROPS
        wanted = [*_OF_STAGE.get(stage, ()), *drops]
        if not wanted:
            continue
        read = _read(path, ["song_id", *wanted])
        if not songs:
            songs = [{"song_id": row["song_id"], "partition": number} for row in read]
        for song, row in zip(songs, read, strict=True):
            _add(song, row)
    done = through and all(stage in files for stage in _LAST)
    for song in songs:
        song["state"] = DROPPED if song.get("reason") else KEPT if done else WAITING
    return songs


def _add(song: dict[str, Any], row: dict[str, Any]) -> None:
    """What one stage says of a song; of several drops the first, of several languages the first that is told."""
    reason, by = row.pop("drop_reason", None), row.pop("dropped_by", None)
    if reason and not song.get("reason"):
        song.update(reason=reason, dropped_by=by)
    for name in ("lyrics_language", "song_language", "language"):
        if (language := row.pop(name, None)) is not None:
            song.setdefault("language", language)
    quality = row.pop("quality", None) or {}
    song.update({name: value for name, value in {**row, **quality}.items() if value is not None})


def _read(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    with parquet_file(path) as file:
        names = set(file.schema_arrow.names)
        return file.read(columns=[name for name in columns if name in names], use_threads=False).to_pylist()


def _key(files: Mapping[str, Path]) -> str:
    return " ".join(f"{stage}/{path.name}" for stage, path in files.items())


def _schema() -> str:
    texts = ", ".join(f'"{name}" TEXT' for name in ("state", "reason", "dropped_by", *TEXTS))
    measures = ", ".join(f'"{name}" REAL' for name in MEASURED)
    return (
        "PRAGMA journal_mode = WAL;"
        f"CREATE TABLE songs (song_id TEXT PRIMARY KEY, partition INTEGER, {texts}, {measures}) WITHOUT ROWID;"
        "CREATE INDEX by_partition ON songs (partition);"
        "CREATE TABLE parts (number INTEGER PRIMARY KEY, files TEXT);"
        f"PRAGMA user_version = {INDEX_VERSION};"
    )
