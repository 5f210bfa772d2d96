"""Processes told by a mark in their environment, which all children inherit: found, ended, waited for."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

MARK = "CHAOS_MARK"
GONE_S = 90.0  # after a driver, until its last process must be gone


def marked(mark: str) -> list[int]:
    """Processes that carry this mark."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and f"{MARK}={mark}".encode() in _read(place / "environ").split(b"\0"):
            found.append(int(place.name))
    return found


def command_of(pid: int) -> bytes:
    """A process's command line; empty when it is gone."""
    return _read(Path("/proc") / str(pid) / "cmdline")


def kill(pid: int) -> None:
    """End a process at once; nothing happens when it is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def orphans(mark: str, within_s: float = GONE_S) -> int:
    """Wait until all processes of a run are gone; returns how many had to be ended here."""
    limit = time.monotonic() + within_s
    while (left := [pid for pid in marked(mark) if pid != os.getpid()]) and time.monotonic() < limit:
        time.sleep(0.2)
    for pid in left:
        print(f"left behind: {command_of(pid)[:200]!r}", flush=True)
        kill(pid)
    return len(left)


def _read(path: Path) -> bytes:
    """A file of /proc; empty when the process is gone or another's."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
