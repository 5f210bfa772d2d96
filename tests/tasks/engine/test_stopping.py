"""A run that is told to stop stops, also when what the handler raised is swallowed where it landed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tasks.engine.pool import connect
from tasks.engine.run import StageReport, run_chains
from tasks.engine.stopping import Stopping
from tasks.engine.table import Chain
from tests.tasks.engine.probes import ENGINE, Factor, Measure, table_of


class Told(BaseException):
    """What the handler raises; no Exception, as Prefect's is none."""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    connect(ENGINE)  # Ray sets a handler of its own where there is none

    def stop(number: int, frame: FrameType | None) -> None:
        raise Told

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


def swallowed_stop() -> None:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1.0)
    except Told:
        return
    raise AssertionError("the signal did not arrive")


def test_stop_that_was_swallowed_ends_the_run_and_what_was_committed_stands(tmp_path: Path) -> None:
    chain = Chain(table_of(tmp_path, [f"song {n}" for n in range(40)]), [Measure(Factor(factor=1.0))])
    told = []

    def watch(report: StageReport) -> None:
        if report.receipts and not told:
            told.append(len(report.receipts))
            swallowed_stop()

    with pytest.raises(Told):
        run_chains([chain], ENGINE, tmp_path / "receipts", watch)
    assert told and 0 < len(chain.missing("measure")) < 10
    run_chains([chain], ENGINE, tmp_path / "receipts")
    assert not chain.missing("measure")


def test_nothing_stops_that_was_not_told_to_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        stopping.check()
        with pytest.raises(Told):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1.0)
        with pytest.raises(Told):
            stopping.check()
    assert signal.getsignal(signal.SIGTERM) is before
