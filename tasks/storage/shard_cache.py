"""What a machine keeps of a store: shards fetched when they are read, the least recently used gone first.

All processes of a node share one folder for a store's shards (under TMPDIR). A file in it is whole: a download has
another name, and a lock that ends with its process, until then.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.storage.files import TEMPORARY_PREFIX
from tasks.storage.object_store import StorePath, download

LOCK_NAME = ".lock"


def cache_folder(place: StorePath) -> Path:
    """Where this machine keeps copies of what lies below a place in a store."""
    name = hashlib.sha256(str(place).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"jam-cache-{os.getuid()}" / name


class NodeCache:
    """Copies of the files of one place in a store, `max_bytes` of them at most (or the one in use)."""

    def __init__(self, place: StorePath, max_bytes: int) -> None:
        self.place, self.max_bytes = place, max_bytes
        self.folder = cache_folder(place)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.folder.glob(f"{TEMPORARY_PREFIX}*"):
            _remove_if_abandoned(left)

    def get(self, name: str, size: int) -> Path:
        """A file whose name says what it holds; fetched unless it is here.

        Raises:
            ValueError: the store holds another number of bytes.
        """
        path = self.folder / name
        with locked(self.folder / f"{LOCK_NAME}-{name}"):  # one process of a node fetches it
            if not path.is_file() or path.stat().st_size != size:
                self.refresh(name)
            if path.stat().st_size != size:
                path.unlink()
                raise ValueError(f"{self.place / name}: not the {size} bytes of its index; pack again")
            os.utime(path)
        self._make_room(path)
        return path

    def refresh(self, name: str) -> Path:
        """A file fetched, also where it is here already: a small one that may have changed, such as an index."""
        temporary = self.folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{name}"
        try:
            with locked(temporary):
                download(self.place / name, temporary)
                os.replace(temporary, self.folder / name)
        finally:
            temporary.unlink(missing_ok=True)
        return self.folder / name

    def _make_room(self, used: Path) -> None:
        with locked(self.folder / LOCK_NAME):
            files = [path for path in self.folder.glob(f"*{used.suffix}") if not path.name.startswith(".")]
            stats = sorted(((path.stat(), path) for path in files), key=lambda pair: pair[0].st_mtime_ns)
            total = sum(stat.st_size for stat, _ in stats)
            for stat, path in stats:
                if total > self.max_bytes and path != used:
                    path.unlink()  # who has it mapped keeps it until it lets go
                    path.with_name(f"{LOCK_NAME}-{path.name}").unlink(missing_ok=True)
                    total -= stat.st_size


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one process at a time; the system lets go of it when the process ends, however it ends."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_if_abandoned(path: Path) -> None:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return  # being fetched by another process, or just taken into use
