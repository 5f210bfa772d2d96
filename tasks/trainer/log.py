"""What a run says while it learns: ``log.jsonl`` (and trackers, where asked), cut back when a run resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from tasks.storage.files import write_bytes

LOG_NAME, VALIDATION_NAME = "log.jsonl", "validation.jsonl"
TRACKERS = ("tensorboard", "wandb")


def loss_csv(log: Path) -> bytes:
    """A training log as CSV, without its clock: what `dvc plots` draws."""
    import pandas

    frame = pandas.read_json(BytesIO(log.read_bytes()), lines=True)
    return frame.drop(columns="seconds").to_csv(index=False).encode()


class Tracker(Protocol):
    """Somewhere else that wants to see the figures."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Figures of a step, by name."""

    def close(self) -> None:
        """Nothing more will come."""


class TrainLog:
    """Lines of figures under ``out``: ``log.jsonl`` every few steps, ``validation.jsonl`` when validated."""

    def __init__(self, out: Path, step: int, spent_s: float, trackers: Sequence[str] = ()) -> None:
        """Keeps the lines up to `step`, from which the run goes on after `spent_s` seconds of training."""
        self._files = {name: _cut_back(out / name, step) for name in (LOG_NAME, VALIDATION_NAME)}
        self._start = time.monotonic() - spent_s
        self._trackers = [open_tracker(name, out) for name in trackers]

    def seconds(self) -> float:
        """Training time so far, over all resumptions."""
        return round(time.monotonic() - self._start, 3)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Means of the last steps."""
        line = {"step": step, **{name: float(f"{value:.8g}") for name, value in values.items()}}
        self._append(LOG_NAME, {**line, "seconds": self.seconds()})
        for tracker in self._trackers:
            tracker.write(step, values)

    def validated(self, step: int, figures: Mapping[str, Any]) -> None:
        """What a validation measured."""
        self._append(VALIDATION_NAME, {"step": step, **figures})
        plain = {name: float(value) for name, value in figures.items() if isinstance(value, int | float)}
        for tracker in self._trackers:
            tracker.write(step, plain)

    def close(self) -> None:
        """Flush the trackers."""
        for tracker in self._trackers:
            tracker.close()

    def _append(self, name: str, line: dict[str, Any]) -> None:
        file = self._files[name]
        file.write(json.dumps(line) + "\n")
        file.flush()


def _cut_back(path: Path, step: int) -> Any:
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
    write_bytes(path, "".join(kept).encode())
    return path.open("a")


def open_tracker(name: str, out: Path) -> Tracker:
    """A tracker by name, one of `TRACKERS`, with its files under ``out``.

    Raises:
        ValueError: its package is not installed.
    """
    return _TensorBoard(out / "tensorboard") if name == "tensorboard" else _Wandb(out)


class _TensorBoard:
    def __init__(self, folder: Path) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, out: Path) -> None:
        try:
            import wandb
        except ImportError:
            raise ValueError("trackers: wandb is not installed; run `pip install wandb`") from None
        self._run = wandb.init(dir=str(out), id=out.name, name=out.parent.name, resume="allow")

    def write(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()
