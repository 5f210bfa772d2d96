"""Ray is begun beside the rest, what asks for it waits for that, and its thread outlives it."""

from __future__ import annotations

import threading

import pytest

from flows.run.ray_ahead import start_ahead
from tasks.engine import pool
from tests.every import every
from tests.tasks.engine.probes import ENGINE


@every("fails", [False, True])
def test_ray_is_started_once_by_a_thread_that_stays(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = [], threading.Event()

    def init(**options: object) -> None:
        begun.append(threading.current_thread())
        go_on.wait(10)
        if fails:
            raise RuntimeError("not today")

    monkeypatch.setattr(pool.ray, "init", init)
    monkeypatch.setattr(pool, "connected", lambda: bool(begun) and go_on.is_set() and not fails)
    start_ahead(ENGINE.model_copy(update={"address": "auto"}))
    start_ahead(ENGINE.model_copy(update={"address": None}))
    while not begun:
        threading.Event().wait(0.01)
    asking = threading.Thread(target=lambda: fails or pool.connect(ENGINE))
    asking.start()
    asking.join(0.05)
    assert asking.is_alive() != fails
    go_on.set()
    asking.join(10)
    assert not asking.is_alive() and len(begun) == 1 and begun[0].name == "ray-ahead"
    begun[0].join(0.05)
    assert begun[0].is_alive()
