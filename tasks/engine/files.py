"""Files that are either whole or not there: temporary name, sync, rename; in a store spooled, then put whole."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.engine.store import StorePath, spool_folder, upload

TEMPORARY_PREFIX = ".tmp-"


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
    temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{path.name}"
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
    if path.is_file() and path.read_bytes() == data:
        return
    if isinstance(path, StorePath):
        path.write_bytes(data)
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


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


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it."""
    if isinstance(folder, StorePath):
        folder.filesystem.delete_dir(str(folder.path))
    else:
        shutil.rmtree(folder)


def parquet_file(path: Path) -> pq.ParquetFile:
    """A Parquet file to read, to be closed.

    Raises:
        FileNotFoundError: it does not stand.
    """
    if isinstance(path, StorePath):
        return pq.ParquetFile(path.open(), pre_buffer=True)
    return pq.ParquetFile(path, memory_map=True)
