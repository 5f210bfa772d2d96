"""What a piece of work took is counted over its threads, and waiting is no work."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

from tasks.engine.resource_usage import Meter

BLOCK = bytes(2**20)


def digested(megabytes: int) -> None:
    """Hash so much; hashing lets other threads run."""
    digest = hashlib.sha256()
    for _ in range(megabytes):
        digest.update(BLOCK)


def test_processor_seconds_are_of_all_threads() -> None:
    alone = Meter()
    digested(100)
    one = alone.cpu_seconds()
    both = Meter()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(digested, [100, 100]))
    assert both.cpu_seconds() > 1.3 * one, "twice the work, whoever did it"


def test_waiting_takes_seconds_but_no_processor() -> None:
    meter = Meter()
    with meter.spending("waiting"):
        time.sleep(0.2)
    assert meter.spent["waiting"] >= 0.2 and meter.seconds() >= 0.2
    assert meter.cpu_seconds() < 0.1
