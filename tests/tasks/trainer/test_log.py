"""The log of a run that was resumed reads as if it had never ended."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.trainer.log import LOG_NAME, VALIDATION_NAME, TrainLog, WandbParams, open_tracker


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_resumed_run_drops_what_came_after_its_checkpoint_and_a_line_cut_short(tmp_path: Path) -> None:
    log = TrainLog(tmp_path, 0, 0.0)
    for step in range(1, 6):
        log.write(step, {"loss": 1 / step})
    log.validated(2, {"validation_loss": 0.5, "by_time": {"0.1": 0.4}})
    log.validated(4, {"validation_loss": 0.4})
    with (tmp_path / LOG_NAME).open("a") as file:
        file.write('{"step": 2, "lo')  # killed in the middle of a line

    resumed = TrainLog(tmp_path, 3, 100.0)
    resumed.write(4, {"loss": 0.123456789123})
    found = lines(tmp_path / LOG_NAME)
    assert [line["step"] for line in found] == [1, 2, 3, 4]
    assert found[-1]["loss"] == 0.12345679 and found[-1]["seconds"] >= 100.0 > found[0]["seconds"]
    assert lines(tmp_path / VALIDATION_NAME) == [{"step": 2, "validation_loss": 0.5, "by_time": {"0.1": 0.4}}]


def test_trackers_are_told_numbers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, dict[str, float]]] = []

    class Listener:
        def write(self, step: int, values: dict[str, float]) -> None:
            told.append((step, dict(values)))

        def sound(self, step: int, name: str, mix_CN: np.ndarray, rate_hz: int) -> None:
            told.append((step, {name: mix_CN.shape[1] / rate_hz}))

        def close(self) -> None:
            told.append((-1, {}))

    monkeypatch.setattr("tasks.trainer.log.open_tracker", lambda name, out, step, wandb: Listener())
    log = TrainLog(tmp_path, 0, 0.0, ["tensorboard"])
    log.write(1, {"loss": 2.0})
    log.validated(1, {"validation_loss": 1.0, "by_time": {"0.1": 1.0}, "songs": 3})
    log.sound(1, "heard/s1", np.zeros((2, 100)), 50)
    log.close()
    figures = [(1, {"loss": 2.0}), (1, {"validation_loss": 1.0, "songs": 3.0})]
    assert told == [*figures, (1, {"heard/s1": 2.0}), (-1, {})]


def test_a_tracker_that_is_not_installed_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(ValueError, match="pip install wandb"):
        open_tracker("wandb", tmp_path)
    given: dict[str, Any] = {}
    run = SimpleNamespace(log=lambda values, step: given.update(values, step=step))
    stub = SimpleNamespace(
        init=lambda **more: given.update(more) or run, Audio=lambda mix, sample_rate: mix.shape
    )
    monkeypatch.setitem(__import__("sys").modules, "wandb", stub)
    place = WandbParams(project="P", name=None, mode="offline")
    tracker = open_tracker("wandb", tmp_path / "sft/abc", 0, place)
    assert (given["project"], given["name"], given["id"], given["mode"]) == ("P", "sft", "abc", "offline")
    tracker.sound(7, "heard/s1", np.zeros((2, 9)), 50)
    assert given["heard/s1"] == (9, 2) and given["step"] == 7
