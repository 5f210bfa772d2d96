"""One decode and one read a song for all stages that hear it, whatever ends a worker; a free worker takes what is near."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.audio.limits import AudioParams
from tasks.audio.read import load_mix
from tasks.engine.columns import Column
from tasks.engine.params import EngineParams, StageWorkers
from tasks.engine.pipeline import Pipeline
from tasks.engine.scheduler import run_pipelines
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage
from tasks.engine.table import Source, Table
from tasks.engine.work_item import ReadyItems, WorkItem
from tasks.songs.columns import SONG_COLUMNS
from tasks.stages.bases import MixStage
from tasks.stages.ingest import Ingest, IngestParams
from tasks.storage.audio_cache import AudioCache
from tests.tasks.engine.probes import ENGINE, Cut, Factor, Flag, Measure, pipeline_of_titles
from tests.tasks.tiny import write_song

ENDINGS = ("mp3", "ogg", "flac", "wav", "mp3")
AUDIO = AudioParams(max_seconds=60, max_bytes=10**8, max_channels=2, min_rate_hz=8000, max_rate_hz=96_000)
TEXT = IngestParams(max_lyrics_bytes=9, max_lyrics_words=9, max_lyrics_overrun_s=1.0, max_style_bytes=9)
DIGEST = Column(pa.string(), "sha256 of the samples, and whose process heard them")


class HearOne(MixStage):
    """Writes what it heard; a title says what should go wrong in this stage."""

    name, version, reads = "hear_one", 1, MixStage.reads | {"title"}
    writes = {"heard_one": DIGEST}
    column = "heard_one"

    def one(self, song: Song) -> Song:
        mix_CN = self.opened(song)
        if song["title"] == f"{self.name} abort":
            os.abort()
        if song["title"] == f"{self.name} sleep":
            time.sleep(600)
        hoard = []
        while song["title"] == f"{self.name} greedy":
            hoard.append(b"x" * 2**24)
        return song.with_columns(**{self.column: hashlib.sha256(mix_CN.tobytes()).hexdigest()})


class HearTwo(HearOne):
    name, column = "hear_two", "heard_two"
    writes = {"heard_two": DIGEST}


class HearThree(HearOne):
    name, column = "hear_three", "heard_three"
    writes = {"heard_three": DIGEST}


def heard(
    root: Path, engine: EngineParams, titles: list[str], partition_size: int
) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """Rows after three stages that hear the mix, and what each stage decoded and read; songs lie beside `root`."""
    sources = []
    for number, title in enumerate(titles):
        path = root.parent / "songs" / f"{number}.{ENDINGS[number % len(ENDINGS)]}"
        if not path.exists():  # an Ogg file has a number of its own
            write_song(path, 1.0, seed=number)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        audio = {"path": path.name, "bytes": None}
        facts = {**dict.fromkeys(SONG_COLUMNS), "audio": audio, "title": title, "content_hash": digest}
        sources.append(Source(f"song-{number}", digest, facts))
    table = Table(root / "table", SONG_COLUMNS, str(root.parent / "songs"))
    table.admit(sources, partition_size, fewest=1)
    stages: list[Stage] = [Ingest(TEXT, AUDIO), *(kind(Section()) for kind in (HearOne, HearTwo, HearThree))]
    pipeline = Pipeline(table, stages)
    run_pipelines([pipeline], engine, root / "receipts")
    notes = [json.loads(path.read_text()) for path in sorted((root / "receipts").glob("*/*.json"))]
    used = {
        stage: [sum(note[kind] for note in notes if note["stage"] == stage) for kind in ("decodes", "reads")]
        for stage in pipeline.stages
    }
    rows = pipeline.rows(["title", "duration_s", "heard_one", "heard_two", "heard_three"])
    return sorted(rows, key=lambda row: str(row["song_id"])), used


def test_a_song_is_read_and_decoded_once_for_all_stages_and_what_they_write_is_the_same_as_without(
    tmp_path: Path,
) -> None:
    titles = list("abcde")
    engine = ENGINE.model_copy(update={"num_workers": 1})
    rows, used = heard(tmp_path / "kept", engine, titles, 2)
    without, each = heard(tmp_path / "none", engine.model_copy(update={"audio_cache_mb": 0}), titles, 2)
    assert used == {"ingest": [5, 5], "hear_one": [0, 0], "hear_two": [0, 0], "hear_three": [0, 0]}
    assert each == {stage: [5, 5] for stage in used}
    assert rows == without and all(row["heard_one"] == row["heard_three"] for row in rows)
    own = engine.model_copy(update={"stages": {"hear_two": StageWorkers(workers=1, cpus=0.5)}})
    alone, beside = heard(tmp_path / "own", own, titles, 2)
    assert alone == rows and beside == {**used, "hear_two": [5, 5]}, "of its own workers: decoded there"


@pytest.mark.slow
def test_songs_that_end_a_worker_are_dropped_by_the_stage_that_ran_and_no_other_with_them(
    tmp_path: Path,
) -> None:
    titles = ["a", "hear_two abort", "c", "hear_three sleep", "hear_one greedy", "f"]
    limits = {"num_workers": 1, "song_limit_s": 4.0, "song_memory_mb": 1000}
    rows, used = heard(tmp_path / "ended", ENGINE.model_copy(update=limits), titles, 3)
    assert {row["title"]: (row["drop_reason"], row["dropped_by"]) for row in rows} == {
        "a": (None, None),
        "hear_two abort": ("worker_died", "hear_two"),
        "c": (None, None),
        "hear_three sleep": ("timed_out", "hear_three"),
        "hear_one greedy": ("out_of_memory", "hear_one"),
        "f": (None, None),
    }
    kept = [row for row in rows if row["drop_reason"] is None]
    assert all(len({row["heard_one"], row["heard_two"], row["heard_three"]}) == 1 for row in kept)
    assert used["ingest"] == [6, 6] and max(decodes for decodes, _ in used.values()) <= 6


def test_a_file_that_changed_after_it_was_listed_is_not_kept_as_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AudioCache(10**7)
    monkeypatch.setattr("tasks.audio.read.CACHE", cache)
    path = write_song(tmp_path / "a.flac", 1.0)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    write_song(path, 1.0, seed=1)
    changed_CN = load_mix({"path": "a.flac", "bytes": None}, str(tmp_path), digest)
    assert cache.get(digest) is None
    generated = {"path": None, "bytes": path.read_bytes()}
    first_CN, again_CN = load_mix(generated, ""), load_mix(generated, "")
    assert first_CN is again_CN and np.array_equal(first_CN, changed_CN)


def test_a_free_worker_goes_on_with_its_partition_then_takes_a_new_one_and_idles_for_neither(
    tmp_path: Path,
) -> None:
    factor = Factor(factor=1.0)
    pipeline = pipeline_of_titles(tmp_path, list("abcdefghi"), Measure(factor), Cut(factor), Flag(factor))
    waiting = ReadyItems()
    for stage, number in (("measure", 0), ("cut", 0), ("flag", 1), ("measure", 1), ("measure", 2)):
        waiting.add(WorkItem(pipeline, stage, number))
    mine, other = (id(pipeline), 0), (id(pipeline), 1)

    def taken(last: tuple[int, int] | None) -> tuple[str, int]:
        item = waiting.take(last, {mine, other})
        return item.stage, item.number

    assert len(waiting) == 5 and waiting.has(mine)
    assert taken(mine) == ("cut", 0), "its own, the last stage first"
    assert taken(None) == ("measure", 2), "what no other worker has at hand"
    assert taken(None) == ("flag", 1), "rather than wait"
    again = WorkItem(pipeline, "cut", 0)  # its worker died
    waiting.add(again)
    assert [taken(mine), taken(mine), taken(mine)] == [("cut", 0), ("measure", 0), ("measure", 1)]
    assert not waiting and not waiting.has(mine)
