"""Time limits that also end C code which holds the interpreter lock: a thread of faulthandler ends the process."""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Iterator
from contextlib import contextmanager

LATE = 0.1  # an alarm may ring this much later than its limit, as a share of it


@contextmanager
def watched() -> Iterator[None]:
    """Inside, an alarm stays set from one limit to the next; setting one takes longer than a small song does."""
    _Alarm.kept = True
    try:
        yield
    finally:
        _Alarm.kept = False
        _Alarm.cancel()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the process when the body takes longer (inside `watched`: up to a tenth longer)."""
    if seconds <= 0:
        yield
        return
    _Alarm.set(seconds)
    try:
        yield
    finally:
        if not _Alarm.kept:
            _Alarm.cancel()


class _Alarm:
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
