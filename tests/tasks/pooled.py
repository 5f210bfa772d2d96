"""A stage on two songs, through the table and the actors, as `jam prepare` runs it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tasks.engine.pipeline import Pipeline
from tasks.engine.scheduler import run_pipelines
from tasks.engine.stage import Stage
from tasks.engine.table import Source, Table
from tasks.songs.columns import DURATION_S, SONG_COLUMNS
from tests.tasks.engine.probes import ENGINE
from tests.tasks.tiny import write_song

PATIENT = ENGINE.model_copy(update={"num_workers": 1, "song_limit_s": 600.0, "object_store_mb": 200})


def through_the_pool(stage: Stage, root: Path, seconds: float) -> list[dict[str, Any]]:
    """Rows of two songs of `tones_CN` under ``root/songs`` after `stage`; none of them dropped."""
    sources = []
    for number in range(2):
        path = write_song(root / "songs" / f"{number}.wav", seconds, seed=number)
        facts = {"audio": {"path": path.name, "bytes": None}, "duration_s": seconds}
        sources.append(Source(f"song-{number}", hashlib.sha256(path.read_bytes()).hexdigest(), facts))
    table = Table(root / "table", {**SONG_COLUMNS, "duration_s": DURATION_S}, str(root / "songs"))
    table.admit(sources, PATIENT.partition_size)
    pipeline = Pipeline(table, [stage])
    run_pipelines([pipeline], PATIENT, root / "receipts")
    rows = pipeline.rows(stage.writes)
    assert [row["drop_reason"] for row in rows] == [None, None]
    return rows
