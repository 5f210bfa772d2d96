"""The table of `jam doctor`: this machine, a line for each set of weights with package, version, licence; and the commands that get what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from tasks.models.base import EMBEDDED
from tasks.models.beats import NONE
from tasks.models.packaged_weights import PREFIX
from tasks.upkeep.machine import PACKAGES

REAL_EXTRA = "pip install 'jam-lifecycle[real]'"
WIDTH = 118


@dataclass(frozen=True)
class Weights:
    """One set of weights: where the params say it lies and who gave it, the revision and size found there, or why there
    is none.
    """

    name: str
    setting: str
    place: str
    source: str
    revision: str | None
    bytes: int | None
    licence: str
    trouble: str | None
    hint: str | None


@dataclass(frozen=True)
class Model:
    """One model of a kind. `packages` with their versions, None where not installed; `trouble`: why it cannot run.

    `languages`: those it hears or reads, empty where it does neither. `minutes_a_minute`: of audio it takes here, None where
    that was not measured.
    """

    kind: str
    name: str
    chosen: bool
    identity: str | None
    device: str | None
    packages: dict[str, str | None]
    weights: tuple[Weights, ...]
    trouble: str | None
    languages: str = ""
    minutes_a_minute: float | None = None


def machine_grid(facts: dict[str, Any]) -> Grid:
    versions = ", ".join(f"{name} {facts[name] or 'not installed'}" for name in PACKAGES)
    rows = {
        "software": f"python {facts['python']}, {versions}",
        "machine": f"{facts['cpus']} CPUs, {facts['memory_gb']} GB memory, {', '.join(facts['gpus']) or 'no GPU'}",
        "disk": f"{facts['free_disk_gb']} GB free for the work folder",
        "WDS_SECURE": f"{'1: webdataset runs no' if facts['wds_secure'] else 'not 1: webdataset may run'} pickles",
        "ffmpeg": "not needed: audio is read by bundled libraries",
    }
    grid = Grid(box=None, show_header=False, pad_edge=False)
    for row in rows.items():
        grid.add_row(*row)
    return grid


def models_grid(models: Sequence[Model]) -> Grid:
    """A line for each set of weights; a model's package stands under its name."""
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "kind", "model"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("where from", overflow="fold", max_width=42)
    grid.add_column("licence", max_width=13, overflow="fold")
    grid.add_column("languages", max_width=11)
    if any(model.minutes_a_minute is not None for model in models):
        grid.add_column("min / min", justify="right", no_wrap=True)
    last = None
    for model in models:
        mark = ("●" if not model.trouble else "✗") if model.chosen else ""
        left = [(mark, "" if model.kind == last else model.kind, model.name)]
        left += [("", "", f"  {packages}") for packages in _packages(model)]
        right = [(_place(one), one.licence) for one in model.weights]
        right = right or [_without_weights(model)]
        speed = _speed(model.minutes_a_minute)
        facts = [(model.languages, speed)[: len(grid.columns) - 5]]
        blank = ("", "", ""), ("", ""), ("", "")[: len(grid.columns) - 5]
        for rows in zip_longest(left, right, facts):
            cells = (row or none for row, none in zip(rows, blank, strict=True))
            grid.add_row(*(Text(cell) for part in cells for cell in part))
        last = model.kind
    return grid


def _speed(minutes: float | None) -> str:
    if minutes is None:
        return ""
    return f"{minutes:.0f}" if minutes >= 100 else f"{minutes:.3g}"


def _without_weights(model: Model) -> tuple[str, str]:
    """Where a model is from that has no file of weights, and its licence."""
    if not model.identity or model.name == NONE:
        return "none", ""
    return f"{model.identity}, here", "stand-in" if model.identity.startswith(f"{EMBEDDED}/") else ""


def _place(weights: Weights) -> str:
    """Where the weights lie, how large they are and which revision; under it, what package holds them, if one does."""
    size = "" if weights.bytes is None else f", {weights.bytes / 1e6:.0f} MB"
    state = f"here: {weights.revision}" if weights.revision else "not here"
    source = f"\n{weights.source}" if weights.place.startswith(PREFIX) else ""
    return f"{weights.place}{size}\n{state}{source}"


def _packages(model: Model) -> list[str]:
    """The first package with its version, which is the model's own, unless some are missing."""
    missing = [name for name, version in model.packages.items() if version is None]
    there = [f"{name} {version}" for name, version in model.packages.items() if version is not None]
    return [f"no {name}" for name in missing] or there[:1]


def hints(models: Sequence[Model]) -> list[str]:
    """A line for each thing that is missing: what it is and the command that gets it."""
    missing = sorted(
        {name for model in models for name, version in model.packages.items() if version is None}
    )
    lines = [f"to install {', '.join(missing)}: {REAL_EXTRA}"] if missing else []
    for model in models:
        commands = dict.fromkeys(weights.hint for weights in model.weights if weights.hint)
        lines += [f"for {model.kind}.{model.name}: {command}" for command in commands]
    return lines
