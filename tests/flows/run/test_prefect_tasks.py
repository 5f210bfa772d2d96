"""What is stopped from outside leaves Ray at once; what fails does not."""

from __future__ import annotations

import pytest
from prefect.exceptions import TerminationSignal

from flows.run import prefect_tasks as stages
from tasks.engine import pool


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    monkeypatch.setattr(pool, "connected", lambda: True)
    monkeypatch.setattr(pool, "leave", lambda: calls.append("left"))
    return calls


def stop_inside_a_wait(depth: int) -> None:
    """As Ray's waits do with what a signal handler raised: once in `ray.wait`, twice in `ray.get`."""
    if not depth:
        raise TerminationSignal(15)
    try:
        stop_inside_a_wait(depth - 1)
    except BaseException as raised:
        raise SystemError("returned a result with an exception set") from raised


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(15), TerminationSignal(15)], ids=repr)
def test_a_stopped_run_leaves_ray(stop: BaseException, left: list[str]) -> None:
    with pytest.raises(type(stop)), stages.leaving_when_stopped():
        raise stop
    assert left == ["left"]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_signal_inside_a_wait_of_ray_comes_out_as_what_it_was(depth: int, left: list[str]) -> None:
    with pytest.raises(TerminationSignal), stages.leaving_when_stopped():
        stop_inside_a_wait(depth)
    assert left == ["left"]


@pytest.mark.parametrize("fault", [ValueError("bad params"), SystemError("another one")], ids=repr)
def test_a_failed_run_keeps_its_cluster(fault: Exception, left: list[str]) -> None:
    with pytest.raises(type(fault)), stages.leaving_when_stopped():
        raise fault
    assert left == []
