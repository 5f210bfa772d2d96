"""What a stage is fed: rows of songs from several column files in step, in the order of the table, opened ahead in a thread; fitted and edited."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.engine.song import Song
from tasks.engine.sources import CONTENT_HASH, SOURCES
from tasks.engine.stage import Stage
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.object_store import local_file

OPENED_AHEAD = 1  # songs opened while the model works on the one before


@dataclass
class Row:
    """One song on its way through a stage: as it came, what was made of it, or why it is dropped and by whom."""

    song: Song
    reason: str | None
    by: str | None
    detail: str = ""
    made: Song | None = None
    opening: Future[Any] | None = None  # what the other thread opens of the song; None: nothing

    @property
    def settled(self) -> bool:
        """Nothing more will happen to it here."""
        return self.made is not None or self.reason is not None

    def opened_song(self) -> Song:
        """The song, waited for until it is open.

        Raises:
            SongError: it could not be opened.
        """
        return self.song if self.opening is None else self.song.with_opened(self.opening.result())


class Inputs:
    """The columns a stage reads, song by song, from several column files in step."""

    def __init__(
        self,
        inputs: Mapping[str, tuple[Path, list[str]]],
        songs_root: str = "",
        fitted: Mapping[str, Any] | None = None,
        edited: Mapping[str, Any] | None = None,
    ) -> None:
        """`inputs`: stage -> its column file and the columns to read. `fitted`: what a fit says, by song id; `edited`:
        what a person says.
        """
        self.songs_root, self.fitted, self.edited = songs_root, fitted or {}, edited or {}
        self.paths = {name: path for name, (path, _) in inputs.items()}
        self.columns = {name: columns for name, (_, columns) in inputs.items()}

    def __enter__(self) -> Inputs:
        """Opens the files, fetched once where they are in a store; `sha256` is of what is then read."""
        with ExitStack() as stack:
            local = {name: stack.enter_context(local_file(path)) for name, path in self.paths.items()}
            self.sha256 = {name: sha256_of_file(path) for name, path in local.items()}
            self.files = {
                name: stack.enter_context(pq.ParquetFile(path, memory_map=True))
                for name, path in local.items()
            }
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[Row]:
        """Each song with the earliest drop among the inputs."""
        streams = [_rows(file, self._read_of(name)) for name, file in self.files.items()]
        for rows in zip(*streams, strict=True):
            song_id = reason = by = None
            columns: dict[str, Any] = {}
            for row in rows:
                song_id, drop_reason, dropped_by = (
                    row.pop("song_id"),
                    row.pop("drop_reason"),
                    row.pop("dropped_by"),
                )
                if drop_reason and reason is None:
                    reason, by = drop_reason, dropped_by
                columns.update(row)
            content_hash = columns.get(CONTENT_HASH) or ""
            if CONTENT_HASH not in self.columns.get(SOURCES, ()):
                columns.pop(CONTENT_HASH, None)
            fitted, edited = self.fitted.get(str(song_id)), self.edited.get(str(song_id))
            song = Song(str(song_id), columns, None, self.songs_root, fitted, edited, content_hash)
            yield Row(song, reason, by)

    def _read_of(self, name: str) -> list[str]:
        """The columns to read of a file: those that are asked for, and whose bytes `audio` is."""
        columns = self.columns[name]
        known = name == SOURCES and "audio" in columns and CONTENT_HASH not in columns
        return (
            [*columns, CONTENT_HASH]
            if known and CONTENT_HASH in self.files[name].schema_arrow.names
            else columns
        )


def _rows(file: pq.ParquetFile, columns: list[str]) -> Iterator[dict[str, Any]]:
    names = ["song_id", "drop_reason", "dropped_by", *columns]
    for group in range(file.num_row_groups):
        yield from file.read_row_group(group, columns=names).to_pylist()


def duration_of(song: Song) -> float:
    """Seconds of audio, as far as the stage was told; else 0."""
    return float(song.columns.get("duration_s") or 0.0)


@contextmanager
def opened_ahead(stage: Stage, rows: Iterable[Row]) -> Iterator[Iterator[Row]]:
    """The rows in their order, each begun to be opened in one thread before the one in front of it is given out."""
    if type(stage).open is Stage.open:
        yield iter(rows)
        return
    thread = ThreadPoolExecutor(1, thread_name_prefix=f"open-{stage.name}")

    def begun() -> Iterator[Row]:
        waiting: deque[Row] = deque()
        ahead = 0
        for row in rows:
            row.opening = None if row.settled else thread.submit(stage.open, row.song)
            waiting.append(row)
            ahead += not row.settled
            while waiting and (ahead > OPENED_AHEAD or waiting[0].opening is None):
                ahead -= waiting[0].opening is not None
                yield waiting.popleft()
        yield from waiting

    try:
        yield begun()
    finally:
        thread.shutdown(wait=False, cancel_futures=True)
