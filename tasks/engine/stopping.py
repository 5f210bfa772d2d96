"""A stop from outside that does not get lost: SIGTERM's handler is called again while the run goes on.

A handler stops a run by what it raises, and where that lands it may be swallowed: in a finaliser, or in one of Ray's
waits, which hand on few kinds of exceptions. Nobody would ever hear of it.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Stopping:
    """Notes that SIGTERM came while the body runs; in other threads than the main one it notes nothing."""

    def __enter__(self) -> Stopping:
        self._told = False
        self._handler: Any = signal.getsignal(signal.SIGTERM)
        self._notes = threading.current_thread() is threading.main_thread() and callable(self._handler)
        if self._notes:
            signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._notes:
            signal.signal(signal.SIGTERM, self._handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._told = True
        self._handler(number, frame)

    def check(self) -> None:
        """Stops now what was told to stop and still runs; raises whatever the handler raises."""
        if self._told:
            self._handler(signal.SIGTERM, None)
