"""What one song may take: seconds (a watchdog's alarm), and memory of the worker that works on it. Beyond, its process ends.

Which song it was is found out by the scheduler, song by song. Seconds are kept by a thread of faulthandler, which
also ends C code that holds the interpreter lock.
"""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.engine.inputs import duration_of
from tasks.engine.song import Song
from tasks.storage.audio_cache import CACHE

LOOK_EVERY_S = 0.05
LATE = 0.1  # an alarm may ring this much later than its limit, as a share of it
OWN_PAGES = Path("/proc/self/statm")


@dataclass(frozen=True)
class Limits:
    """How long one song may take: `base_s` plus `per_audio_s` for each second of audio, if known.

    `memory_mb`: how large its worker may become meanwhile, with the models it holds; None: no limit.
    """

    base_s: float
    per_audio_s: float
    memory_mb: int | None = None

    def of(self, song: Song) -> float:
        """Seconds allowed for a song."""
        return self.base_s + self.per_audio_s * duration_of(song)


@contextmanager
def memory_limit(memory_mb: int | None, note: Path) -> Iterator[None]:
    """End the process when it grows beyond this many MiB during the body, and leave `note` to say so.

    Decoded audio that is kept for the next stages is not counted: a song's fate is the same with it and without.

    A thread looks every few hundredths of a second; one call that takes everything at once ends by the system's
    own killer instead.
    """
    if memory_mb is None or not OWN_PAGES.exists():
        yield
        return
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY_S):
            if _resident_bytes() - CACHE.num_bytes > memory_mb * 2**20:
                with suppress(OSError):  # without a note the song is dropped `worker_died`
                    note.parent.mkdir(parents=True, exist_ok=True)
                    note.write_bytes(b"")
                os._exit(1)

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _resident_bytes() -> int:
    return int(OWN_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def watchdog() -> Iterator[None]:
    """Inside, an alarm stays set from one limit to the next; setting one takes longer than a small song does."""
    _Watchdog.kept = True
    try:
        yield
    finally:
        _Watchdog.kept = False
        _Watchdog.cancel()


class time_limit:
    """End the process when the body takes longer (inside `watchdog`: up to a tenth longer); 0 is no limit."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        if self.seconds > 0:
            _Watchdog.set(self.seconds)

    def __exit__(self, *error: object) -> None:
        if self.seconds > 0 and not _Watchdog.kept:
            _Watchdog.cancel()


class _Watchdog:
    """The one alarm of a process."""

    kept = False
    rings_at = 0.0

    @classmethod
    def set(cls, seconds: float) -> None:
        """Leaves an alarm that rings after the limit, and not much after it, as it is."""
        now = time.monotonic()
        latest = now + seconds * (1 + LATE)
        if cls.kept and now + seconds <= cls.rings_at <= latest:
            return
        cls.rings_at = latest if cls.kept else now + seconds
        faulthandler.dump_traceback_later(cls.rings_at - now, exit=True)

    @classmethod
    def cancel(cls) -> None:
        cls.rings_at = 0.0
        faulthandler.cancel_dump_traceback_later()
