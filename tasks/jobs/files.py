"""Files that songs are to follow, as the desk is sent them: ``jobs/files/<sha256>``, the newest alone; a job has its own copy.

They are known by the hash of their bytes. A name that came with one is nobody's path, and its size is counted as it comes.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tasks.storage.file_hashes import sha256_of_file

JOBS, KEPT = "jobs", "files"
FOLLOWED = ("melody", "drums")
"""Controls that are files; each is a field of an ask, and in a job's folder its name."""
MAX_FILE_SECONDS, MAX_FILE_BYTES = 240.0, 48_000_000
"""Four minutes, two channels of 16 bits at 44.1 kHz: a server that checked such a file held 416 MB at most."""
MAX_KEPT = 32
HASH = re.compile(r"[0-9a-f]{64}")


class Receiving:
    """A file while it comes."""

    def __init__(self, root: Path, file: BinaryIO, path: Path) -> None:
        self.root, self.file, self.path = root, file, path
        self.digest, self.num_bytes = hashlib.sha256(), 0

    def take(self, piece: bytes) -> None:
        """The next bytes of it.

        Raises:
            ValueError: there are too many by now.
        """
        self.num_bytes += len(piece)
        if self.num_bytes > MAX_FILE_BYTES:
            raise ValueError(f"file: over {MAX_FILE_BYTES} bytes; cut or compress it")
        self.digest.update(piece)
        self.file.write(piece)

    def keep(self) -> str:
        """All of it has come: its hash, by which it stands from now on. The oldest beyond `MAX_KEPT` go.

        Raises:
            ValueError: it has no bytes.
        """
        if not self.num_bytes:
            raise ValueError("file: it has no bytes; choose another")
        self.file.close()
        name = self.digest.hexdigest()
        self.path.replace(self.path.with_name(name))
        _forget_old(self.path.parent)
        return name


@contextmanager
def receiving(root: Path) -> Iterator[Receiving]:
    """A file for a work folder; what is not kept is gone when this ends."""
    folder = root / JOBS / KEPT
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{secrets.token_hex(8)}"
    try:
        with path.open("xb") as file:
            yield Receiving(root, file, path)
    finally:
        path.unlink(missing_ok=True)


def file_of(root: Path, name: str, digest: str) -> Path:
    """Where the file of this hash lies: as it was sent, or in a job that asked for it; `name`: of `FOLLOWED`.

    Raises:
        ValueError: it is not there any more.
    """
    if HASH.fullmatch(digest):
        found = [root / JOBS / KEPT / digest, *(root / JOBS).glob(f"*/{name}")]
        for path in found:
            if path.is_file() and (path.name == digest or sha256_of_file(path) == digest):
                return path
    raise ValueError(f"{name}: its file is not here any more; choose it again")


def drop_file(root: Path, digest: str) -> None:
    """A file that nobody can follow."""
    (root / JOBS / KEPT / digest).unlink(missing_ok=True)


def _forget_old(folder: Path) -> None:
    """All but the newest; those that a killed desk left half, too."""
    kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in kept[MAX_KEPT:]:
        path.unlink(missing_ok=True)


def copied(root: Path, name: str, digest: str) -> bytes:
    """The bytes of a file, for a job to have.

    Raises:
        ValueError: it is not there any more, or was altered.
    """
    path = file_of(root, name, digest)
    data = path.read_bytes() if os.path.getsize(path) <= MAX_FILE_BYTES else b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name}: its file was altered; choose it again")
    return data
