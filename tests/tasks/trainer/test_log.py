"""The log of a run that was resumed reads as if it had never ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.trainer.log import LOG_NAME, VALIDATION_NAME, TrainLog, open_tracker


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

        def close(self) -> None:
            told.append((-1, {}))

    monkeypatch.setattr("tasks.trainer.log.open_tracker", lambda name, out: Listener())
    log = TrainLog(tmp_path, 0, 0.0, ["tensorboard"])
    log.write(1, {"loss": 2.0})
    log.validated(1, {"validation_loss": 1.0, "by_time": {"0.1": 1.0}, "songs": 3})
    log.close()
    assert told == [(1, {"loss": 2.0}), (1, {"validation_loss": 1.0, "songs": 3.0}), (-1, {})]


def test_a_tracker_that_is_not_installed_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(ValueError, match="pip install wandb"):
        open_tracker("wandb", tmp_path)
