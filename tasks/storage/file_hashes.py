"""sha256 of files, streamed; of large ones computed once: remembered by path, size and time in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from tasks.storage.files import write_json


def sha256_of_file(path: Path) -> str:
    """sha256 of a file's bytes, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path) -> str:
    """sha256 of a file, computed once for as long as its path, size and time stay the same."""
    state = path.stat()
    key = f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jam" / "weights"
    note = base / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    if note.is_file():
        try:
            remembered = json.loads(note.read_bytes())
            if remembered["of"] == key:
                return str(remembered["sha256"])
        except (ValueError, KeyError, TypeError):
            note.unlink(missing_ok=True)
    digest = sha256_of_file(path)
    write_json(note, {"of": key, "sha256": digest})
    return digest
