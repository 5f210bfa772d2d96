"""Hashes (digests) of songs' files, remembered with their stamps: a file whose size and times are as they were is not read again."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.songs.files import TarMember, pieces_of
from tasks.storage.files import write_bytes
from tasks.storage.object_store import StorePath

SETTLED_S = 10.0  # a file younger than this could change once more without its times telling
READ_AT_ONCE = 8  # files
_COLUMNS = ("path", "stamp", "sha256")


class Stamped(NamedTuple):
    """A file to be hashed: where it is, its name among all files, and what it cannot change without, where that is known."""

    path: Path
    name: str
    stamp: str | None


Reader = Callable[[Path, Sequence[Stamped]], Sequence[str | None]]
"""The songs root and files below it: the sha256 of each, None where it cannot be read."""


def read_here(root: Path, files: Sequence[Stamped]) -> Sequence[str | None]:
    """The `Reader` that reads in this process, some files at a time."""

    def read(file: Stamped) -> str | None:
        try:
            return hash_file(file.path)
        except OSError:
            return None

    with ThreadPoolExecutor(READ_AT_ONCE) as threads:
        return list(threads.map(read, files))


class Hashes:
    """sha256 of files' bytes by path. `kept`: the file of an earlier listing; where it cannot be read, all is read.

    `reader`: reads the files that are not known.
    """

    def __init__(self, kept: Path | None = None, reader: Reader = read_here) -> None:
        self._known = None if kept is None else _read(kept)
        self._reader = reader
        self._asked: dict[str, tuple[str, str]] = {}
        self._digests: dict[str, str | None] = {}
        self._tars: dict[Path, str | None] = {}
        self._now_ns = time.time_ns()

    def learn(self, root: Path, files: Iterable[Path]) -> None:
        """Hash these files below the songs root, all that are not known at once."""
        unknown = []
        for path in dict.fromkeys(files):
            name = _name(path)
            try:
                stamp = self._stamp(path)
            except OSError:
                self._digests[name] = None
                continue
            stamped, digest = (self._known or {}).get(name, (None, ""))
            if stamp is None or stamped != stamp:
                unknown.append(Stamped(path, name, stamp))
            else:
                self._learned(name, stamp, digest)
        for file, read in zip(unknown, self._reader(root, unknown) if unknown else (), strict=True):
            self._learned(file.name, file.stamp, read)

    def _learned(self, name: str, stamp: str | None, digest: str | None) -> None:
        self._digests[name] = digest
        if stamp is not None and digest is not None:
            self._asked[name] = (stamp, digest)

    def of(self, path: Path) -> str | None:
        """The hash of a file that was learned; None where it could not be read."""
        return self._digests[_name(path)]

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
