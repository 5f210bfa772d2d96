"""A stage on two songs, through the table, as `jam prepare` runs it: on an actor, or here."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

from tasks.engine.pipeline import Pipeline
from tasks.engine.scheduler import run_pipelines
from tasks.engine.stage import Stage
from tasks.engine.table import Source, Table
from tasks.songs.columns import DURATION_S, SONG_COLUMNS
from tests.tasks.engine.probes import ENGINE, run_here
from tests.tasks.tiny import write_song

PATIENT = ENGINE.model_copy(update={"num_workers": 1, "song_limit_s": 600.0, "object_store_mb": 200})


def through_the_pool(stage: Stage, root: Path, seconds: float) -> list[dict[str, Any]]:
    """Rows of two songs of `tones_CN` under ``root/songs`` after `stage` on an actor; none of them dropped."""
    pipeline = _of_two_songs(stage, root, seconds)
    run_pipelines([pipeline], PATIENT, root / "receipts")
    return _kept_rows(pipeline, stage)


def through_the_table(stage: Stage, root: Path, seconds: float) -> list[dict[str, Any]]:
    """The same in this process; the stage travels as to an actor, but no other process imports its model."""
    pipeline = _of_two_songs(pickle.loads(pickle.dumps(stage)), root, seconds)
    run_here(pipeline, root / "receipts")
    return _kept_rows(pipeline, stage)


def _of_two_songs(stage: Stage, root: Path, seconds: float) -> Pipeline:
    sources = []
    for number in range(2):
        path = write_song(root / "songs" / f"{number}.wav", seconds, seed=number)
        facts = {"audio": {"path": path.name, "bytes": None}, "duration_s": seconds}
        sources.append(Source(f"song-{number}", hashlib.sha256(path.read_bytes()).hexdigest(), facts))
    table = Table(root / "table", {**SONG_COLUMNS, "duration_s": DURATION_S}, str(root / "songs"))
    table.admit(sources, PATIENT.partition_size, fewest=1)
    return Pipeline(table, [stage])


def _kept_rows(pipeline: Pipeline, stage: Stage) -> list[dict[str, Any]]:
    rows = pipeline.rows(stage.writes)
    assert [row["drop_reason"] for row in rows] == [None, None]
    return rows
