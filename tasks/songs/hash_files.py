"""Many files hashed by the engine's workers: a table of files, a partition of them a work item.

What the engine does for songs it does for them: a worker holds a piece of one file, what passes is tried again, a
file that ends its worker is found and left out, and after a kill the partitions that stand are not read again. The
table goes once its hashes are known.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.pipeline import Pipeline
from tasks.engine.song import Refused, Song, SongError
from tasks.engine.stage import Section, Stage
from tasks.engine.table import Source, Table
from tasks.songs.files import song_file
from tasks.songs.hashes import Stamped, hash_file
from tasks.storage.retry import with_retries

FILES_AT_ONCE = 256  # of a partition: some gigabytes of songs, as long as one stage takes for a partition
FILE_COLUMNS = {"file": Column(pa.string(), "a file's path below the songs root")}


class NoChoice(Section):
    """A stage with nothing to choose."""


class HashFiles(Stage):
    """Reads a file, and keeps what its bytes hash to."""

    name = "hash"
    version = 1
    reads = frozenset({"file"})
    writes: ClassVar = {"sha256": Column(pa.string(), "of the file's bytes")}

    def one(self, song: Song) -> Song:
        """The file with its hash."""
        try:
            digest = with_retries(lambda: hash_file(song_file(song.root, song["file"])))
        except (OSError, Refused) as error:
            raise SongError(song.song_id, "unreadable", str(error)) from error
        return song.with_columns(sha256=digest)


def hash_pipeline(folder: Path, root: Path, files: Sequence[Stamped]) -> Pipeline:
    """The pipeline that hashes files below the songs root, over a table in `folder`.

    What an earlier one left there of the same files stands; a file too young for its times to tell is read again.
    """
    sources = [
        Source(
            _id_of(file),
            f"{file.name} {uuid.uuid4().hex if file.stamp is None else file.stamp}",
            {"file": file.path.relative_to(root).as_posix()},
        )
        for file in files
    ]
    table = Table(folder, FILE_COLUMNS, str(root))
    table.admit(sources, FILES_AT_ONCE)
    return Pipeline(table, [HashFiles(NoChoice())])


def hashes_made(pipeline: Pipeline, files: Sequence[Stamped]) -> list[str | None]:
    """The hash of each file once the pipeline has run; None of one that could not be read or ended its worker."""
    made = {row["song_id"]: row["sha256"] for row in pipeline.rows(["sha256"])}
    return [made[_id_of(file)] for file in files]


def _id_of(file: Stamped) -> str:
    return f"file-{hashlib.sha256(file.name.encode()).hexdigest()[:40]}"
