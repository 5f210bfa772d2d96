"""Files that are either whole or not there (`atomic_path`): temporary name, sync, rename; folders and stale ones; in a store spooled, then put whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.storage.object_store import StorePath, spool_folder, upload
from tasks.storage.retry import with_retries

TEMPORARY_PREFIX = ".tmp-"
TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{8}-.")  # and what follows is the name it will have


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that `remove_temporaries` knows."""
    return path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{path.name}"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path on this machine to write to; what is there becomes `path` on success, goes on any exception.

    Beside `path` and renamed, or, where `path` is in a store, in a spool and put there when it is finished.
    """
    if isinstance(path, StorePath):
        with spool_folder() as folder:
            yield folder / path.name
            upload(folder / path.name, path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Ask the system to put a file (or a folder's entries) on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Atomic write; nothing happens when the file already holds exactly these bytes."""
    with_retries(lambda: _write_bytes(path, data))


def _write_bytes(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    if isinstance(path, StorePath):
        path.write_bytes(data)
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_new(path: Path, data: bytes) -> None:
    """A file that was not there before, whole and on the disk when this returns; on this machine alone.

    Raises:
        FileExistsError: it stands already, whoever wrote it; it is left as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        temporary.write_bytes(data)
        sync(temporary)
        os.link(temporary, path)  # unlike a rename it never replaces
        sync(path.parent)
        sync(path.parent.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Atomic, sorted, readable JSON with a newline at the end."""
    write_bytes(path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def write_json_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Atomic JSON lines, one sorted object a line."""
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in rows]
    write_bytes(path, "".join(lines).encode())


def names_in(folder: Path) -> set[str]:
    """The names in a folder, by one listing; none where there is no folder."""
    if isinstance(folder, StorePath):
        return {path.name for path in folder.iterdir()}
    return set(os.listdir(folder)) if folder.is_dir() else set()


def parquet_file(path: Path) -> pq.ParquetFile:
    """A Parquet file to read, to be closed.

    Raises:
        FileNotFoundError: it does not stand.
    """
    if isinstance(path, StorePath):
        return pq.ParquetFile(path.open(), pre_buffer=True)
    return pq.ParquetFile(path, memory_map=True)


def parquet_rows(path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a Parquet file, of all its columns or of these."""
    with parquet_file(path) as file:
        return file.read(columns=columns).to_pylist()


def first_bytes(path: Path, max_bytes: int) -> bytes:
    """A file's bytes up to a limit, and one more of a file that is larger."""
    with path.open("rb") as file:
        return file.read(max_bytes + 1)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all in it; a kill leaves the whole folder or a temporary, never a part of it."""
    if isinstance(folder, StorePath):
        folder.filesystem.delete_dir(str(folder.path))
        return
    aside = temporary_beside(folder)
    folder.rename(aside)
    shutil.rmtree(aside)


def remove_temporaries(folder: Path) -> int:
    """Remove what a killed run left half-written, files and folders; returns how many. A store has none."""
    if isinstance(folder, StorePath):
        return 0
    stale = list(_temporaries(folder))
    for path in stale:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(stale)


def _temporaries(folder: Path) -> Iterator[Path]:
    """A folder that goes while it is looked at (a worker that is ending) holds nothing."""
    try:
        entries = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if TEMPORARY.match(entry.name):
            yield entry
        elif entry.is_dir() and not entry.is_symlink():
            yield from _temporaries(entry)
