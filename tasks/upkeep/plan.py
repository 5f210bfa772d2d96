"""What a run would do: items with their songs, and times as earlier runs in the work folder went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline
from tasks.trainer.params import FitParams
from tasks.upkeep.rates import Pace

UP_TO_DATE = "up to date"


@dataclass(frozen=True)
class Item:
    """Something that would run, or stands. None: not known, never 0.

    `own`: on workers of its own, beside the stages of the shared pool.
    """

    name: str
    todo: str
    songs: int | None = 0
    worker_s: float | None = 0.0
    workers: int | None = None
    memory_mb: float | None = None
    own: bool = False

    @property
    def runs(self) -> bool:
        """There is something to do."""
        return self.todo != UP_TO_DATE

    @property
    def seconds(self) -> float | None:
        """On its workers together; 0 when it stands."""
        if not self.runs:
            return 0.0
        return self.worker_s / self.workers if self.worker_s is not None and self.workers else None


@dataclass(frozen=True)
class Plan:
    """The flows in order with their items, and what keeps them from running."""

    flows: dict[str, list[Item]]
    missing: list[str]

    def seconds(self) -> float:
        """Of all items whose time is known: what shares a pool one after another, the others beside it."""
        return sum(_beside(items) for items in self.flows.values())

    def unknown(self) -> list[str]:
        """What would run and has never run here."""
        items = (item for items in self.flows.values() for item in items)
        return list(dict.fromkeys(item.name for item in items if item.seconds is None))


def stage_item(engine: EngineParams, pipeline: Pipeline, stage: str, known: Mapping[str, Pace]) -> Item:
    """A stage over the partitions that do not stand yet."""
    numbers = pipeline.missing(stage)
    if not numbers:
        return Item(stage, UP_TO_DATE)
    songs = sum(len(pipeline.partitions[number].sources) for number in numbers)
    return _timed(engine, stage, f"{len(numbers)} of {len(pipeline.partitions)} partitions", songs, known)


def song_item(
    engine: EngineParams, stage: str, stands: bool, songs: int | None, known: Mapping[str, Pace]
) -> Item:
    """A stage over songs that are only known once they are sung: at most so many."""
    return Item(stage, UP_TO_DATE) if stands else _timed(engine, stage, "what is new", songs, known)


def fit_item(name: str, section: FitParams, recipes: Sequence[Path], stands: bool, runs: int = 1) -> Item:
    """A training, or several; `recipes`: those of earlier runs, whose logs say how long a step took."""
    if stands:
        return Item(name, UP_TO_DATE)
    step_s = None
    for recipe in recipes:
        log = recipe.parent / "log.jsonl"
        if log.is_file() and (lines := log.read_text().splitlines()):
            last = json.loads(lines[-1])
            step_s = last["seconds"] / last["step"]
    steps = runs * section.steps
    worker_s = None if step_s is None else step_s * steps * section.num_workers
    return Item(name, f"{steps} steps", None, worker_s, section.num_workers)


def is_finished(section: FitParams, recipes: Sequence[Path]) -> bool:
    """A run of this section stands."""
    settings = json.loads(section.model_dump_json())
    return any(
        (recipe.parent / "done.json").is_file() and json.loads(recipe.read_text())["params"] == settings
        for recipe in recipes
    )


def _timed(engine: EngineParams, stage: str, todo: str, songs: int | None, known: Mapping[str, Pace]) -> Item:
    pace, own = known.get(stage), stage in engine.stages
    if pace is None:
        return Item(stage, todo, songs, None, own=own)
    asked = engine.stages[stage].workers if own else engine.num_workers
    worker_s = None if songs is None else songs * pace.song_s
    return Item(stage, todo, songs, worker_s, asked or pace.workers, pace.memory_mb, own)


def _beside(items: Sequence[Item]) -> float:
    shared = sum(item.seconds or 0.0 for item in items if not item.own)
    return max([shared, *(item.seconds or 0.0 for item in items if item.own)])
