"""Hashes of songs' files, remembered: a file whose size and times are as they were is not read again."""

from __future__ import annotations

import hashlib
import io
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.songs.files import TarMember, pieces_of
from tasks.storage.files import write_bytes
from tasks.storage.object_store import StorePath

SETTLED_S = 10.0  # a file younger than this could change once more without its times telling
_COLUMNS = ("path", "stamp", "sha256")


class Hashes:
    """sha256 of files' bytes by path. `kept`: the file of an earlier listing; where it cannot be read, all is read.

    Safe to ask from several threads, each file from one.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self._known = None if kept is None else _read(kept)
        self._asked: dict[str, tuple[str, str]] = {}
        self._tars: dict[Path, str | None] = {}
        self._now_ns = time.time_ns()

    def of(self, path: Path) -> str:
        """A file's hash.

        Raises:
            OSError: it cannot be read.
        """
        name, stamp = _name(path), self._stamp(path)
        stamped, digest = (self._known or {}).get(name, (None, ""))
        if stamp is None or stamped != stamp:
            digest = hash_file(path)
        if stamp is not None:
            self._asked[name] = (stamp, digest)
        return digest

    def write(self, kept: Path) -> None:
        """Remember what was asked for, and nothing else."""
        if self._asked == self._known:
            return
        rows = [(name, *self._asked[name]) for name in sorted(self._asked)]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
        buffer = io.BytesIO()
        table = pa.table({name: pa.array(c, pa.string()) for name, c in zip(_COLUMNS, columns, strict=True)})
        pq.write_table(table, buffer, compression="zstd")
        write_bytes(kept, buffer.getvalue())

    def _stamp(self, path: Path) -> str | None:
        """What a file cannot change without; None while it is too young for its times to tell."""
        if not isinstance(path, TarMember):
            return self._stamp_of_file(path)
        if path.tar not in self._tars:
            self._tars[path.tar] = self._stamp_of_file(path.tar)
        return self._tars[path.tar]

    def _stamp_of_file(self, path: Path) -> str | None:
        found = path.stat()
        times = [found.st_mtime_ns]
        if not isinstance(path, StorePath):
            times.append(found.st_ctime_ns)
        if self._now_ns - max(times) < SETTLED_S * 1e9:
            return None
        return " ".join(map(str, [found.st_size, *times]))


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    for piece in pieces_of(path):
        digest.update(piece)
    return digest.hexdigest()


def _name(path: Path) -> str:
    return f"{path.tar}@{path.offset}+{path.size}" if isinstance(path, TarMember) else str(path)


def _read(kept: Path) -> dict[str, tuple[str, str]] | None:
    try:
        file = pq.ParquetFile(io.BytesIO(kept.read_bytes()))  # pq.read_table would import pandas
        columns = file.read(list(_COLUMNS)).to_pydict()
    except (OSError, pa.ArrowException):
        return None
    return {name: (stamp, digest) for name, stamp, digest in zip(*columns.values(), strict=True)}
