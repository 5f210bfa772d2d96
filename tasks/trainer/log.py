"""What a run says while it learns: a figure a step in ``log.jsonl``, loss as CSV (and trackers, wandb or TensorBoard), cut back when a run resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from tasks.engine.stage import Section
from tasks.storage.files import write_bytes

LOG_NAME, VALIDATION_NAME = "log.jsonl", "validation.jsonl"
TRACKERS = ("tensorboard", "wandb")


class WandbParams(Section):
    """Where Weights & Biases puts a run: its project, its name, and whether it is sent (`mode`); null: as wandb would have it."""

    project: str | None
    name: str | None
    mode: Literal["online", "offline", "disabled"]


def loss_csv(log: Path) -> bytes:
    """A training log as CSV, without its clock: what `dvc plots` draws."""
    import pandas

    frame = pandas.read_json(BytesIO(log.read_bytes()), lines=True)
    return frame.drop(columns="seconds").to_csv(index=False).encode()


class Tracker(Protocol):
    """Somewhere else that wants to see the figures."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Figures of a step, by name."""

    def sound(self, step: int, name: str, mix_CN: np.ndarray, rate_hz: int) -> None:
        """A song that was generated at a step."""

    def close(self) -> None:
        """Nothing more will come."""


class TrainLog:
    """Lines of figures under ``out``: ``log.jsonl`` every few steps, ``validation.jsonl`` when validated."""

    def __init__(
        self,
        out: Path,
        step: int,
        spent_s: float,
        trackers: Sequence[str] = (),
        wandb: WandbParams | None = None,
    ) -> None:
        """Keeps the lines up to `step`, from which the run goes on after `spent_s` seconds of training."""
        self._files = {name: _cut_back(out / name, step) for name in (LOG_NAME, VALIDATION_NAME)}
        self._start = time.monotonic() - spent_s
        self._trackers = [open_tracker(name, out, step, wandb) for name in trackers]

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

    def sound(self, step: int, name: str, mix_CN: np.ndarray, rate_hz: int) -> None:
        """A song that was generated at a step, for the trackers; `tasks.trainer.heard` keeps it in the run's folder."""
        for tracker in self._trackers:
            tracker.sound(step, name, mix_CN, rate_hz)

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


def open_tracker(name: str, out: Path, step: int = 0, wandb: WandbParams | None = None) -> Tracker:
    """A tracker by name, one of `TRACKERS`, with its files under ``out``; of a run that goes on after `step`.

    Raises:
        ValueError: its package is not installed.
    """
    return _TensorBoard(out / "tensorboard", step) if name == "tensorboard" else _Wandb(out, wandb)


class _TensorBoard:
    def __init__(self, folder: Path, step: int) -> None:
        from tensorboardX import SummaryWriter

        # a resumed run writes the steps after its checkpoint again: the board drops those that it has
        self._writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def sound(self, step: int, name: str, mix_CN: np.ndarray, rate_hz: int) -> None:
        self._writer.add_audio(name, np.clip(mix_CN, -1, 1).T, step, rate_hz)

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, out: Path, params: WandbParams | None) -> None:
        try:
            import wandb
        except ImportError:
            raise ValueError("trackers: wandb is not installed; run `pip install wandb`") from None
        given = {"project": params.project, "mode": params.mode} if params else {}
        name = params.name if params and params.name else out.parent.name
        self._audio = wandb.Audio
        self._run = wandb.init(dir=str(out), id=out.name, name=name, resume="allow", **given)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def sound(self, step: int, name: str, mix_CN: np.ndarray, rate_hz: int) -> None:
        self._run.log({name: self._audio(np.clip(mix_CN, -1, 1).T, sample_rate=rate_hz)}, step=step)

    def close(self) -> None:
        self._run.finish()
