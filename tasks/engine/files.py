"""Files that are either whole or not there: temporary name, sync, rename."""

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

from tasks.engine.trouble import patiently

TEMPORARY_PREFIX = ".tmp-"
TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{8}-.")  # and what follows is the name it will have


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that `remove_temporaries` knows."""
    return path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{path.name}"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder; renamed to `path` on success, removed on any exception."""
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
    patiently(lambda: _write_bytes(path, data))


def _write_bytes(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
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


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it; a kill leaves the whole folder or a temporary, never a part of it."""
    aside = temporary_beside(folder)
    folder.rename(aside)
    shutil.rmtree(aside)


def remove_temporaries(folder: Path) -> int:
    """Remove what a killed run left half-written, files and folders; returns how many."""
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
