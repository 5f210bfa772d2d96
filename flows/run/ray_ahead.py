"""Ray started in a thread on this machine beside what a command does before its first partition: it takes seconds, most of them waiting."""

from __future__ import annotations

import threading
from contextlib import suppress

from tasks.engine.params import EngineParams


def start_ahead(params: EngineParams) -> None:
    """Begin to `connect` in a thread; nothing where a cluster is to be joined, which has started already.

    What goes wrong is told by the engine, whose own `connect` waits for this one and tries once more.
    """
    if not params.address:
        threading.Thread(target=_start, args=[params], name="ray-ahead", daemon=True).start()


def _start(params: EngineParams) -> None:
    with suppress(Exception):
        from tasks.engine.pool import connect

        connect(params)
    threading.Event().wait()  # Linux ends Ray's processes with the thread that started them, not with this process
