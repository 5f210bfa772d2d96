"""One writer a table: a lock on its folder, which the system takes back however its holder ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = ".lock"


@contextmanager
def only_writer(root: Path) -> Iterator[None]:
    """Hold the table at `root` while the body runs. An object store has no locks: there, runs must be kept apart.

    Raises:
        ValueError: another run holds it.
    """
    if not isinstance(root, Path):
        yield
        return
    root.mkdir(parents=True, exist_ok=True)
    with (root / LOCK_NAME).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"work: another run is writing to {root}; wait for its end, or give another --work"
            ) from None
        yield
