"""What no setting needs is shown and goes; large columns go once they were read, and come back when they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.engine.pipeline import Pipeline
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.storage.files import write_json
from tasks.upkeep.prune import evict, large_files, superseded, superseded_runs
from tasks.upkeep.status import why
from tests.tasks.engine.probes import BYTES, NUMBER, TEXT, Factor, Flag, Measure, run_here, table_of
from tests.tasks.training.test_train import PARAMS

TITLES = ["one", "two", "three", "drop me", "mute", "six"]


class Voice(Stage):
    """A large column, and a song that has none."""

    name = "voice"
    version = 1
    reads = frozenset({"duration_s"})
    writes = {"vocals": BYTES, "num_frames": NUMBER}

    def one(self, song: Song) -> Song:
        if song["duration_s"] == len("mute"):
            raise SongError(song.song_id, "no_vocals", "made for the test")
        return song.with_columns(vocals=b"v" * 100_000, num_frames=int(song["duration_s"]))


class Hear(Stage):
    """What reads it."""

    name = "hear"
    version = 1
    reads = frozenset({"vocals"})
    writes = {"artist": TEXT}

    def one(self, song: Song) -> Song:
        return song.with_columns(artist=str(len(song["vocals"])))


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    section = Factor(factor=1.0)
    found = Pipeline(
        table_of(tmp_path, TITLES), [Measure(section), Flag(section), Voice(section), Hear(section)]
    )
    run_here(found, tmp_path / "receipts")
    return found


def test_heavy_columns_go_when_nothing_will_read_them_and_the_rows_stay(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    columns = ["num_frames", "artist"]
    before = pipeline.rows(columns)
    pipeline.path("hear", 1).unlink()
    (freed,) = large_files(pipeline, ["voice"])
    assert freed == pipeline.path("voice", 0)
    evict(freed, pipeline.columns)
    assert not freed.exists() and pipeline.stub_path("voice", 0).stat().st_size < 5_000
    assert pipeline.missing("voice") == []
    run_here(pipeline, tmp_path / "receipts")
    assert pipeline.rows(columns) == before and superseded(pipeline, tmp_path / "receipts") == []
    assert {row["drop_reason"] for row in before} == {None, "too_short", "no_vocals"}


def test_heavy_columns_that_are_asked_for_again_are_made_again_with_the_same_bytes(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    path, reader = pipeline.path("voice", 0), pipeline.path("hear", 0)
    before = {file: file.read_bytes() for file in (path, reader)}
    evict(path, pipeline.columns)
    reader.unlink()
    assert pipeline.missing("voice") == [0] and large_files(pipeline, ["voice"]) == [
        pipeline.path("voice", 1)
    ]
    assert why(pipeline, "voice") == ["its large columns were evicted and are needed again (1 partitions)"]
    run_here(pipeline, tmp_path / "receipts")
    assert {file: file.read_bytes() for file in (path, reader)} == before
    assert pipeline.superseded("voice") == [] and pipeline.stub_path("voice", 0).exists()


def test_stage_without_a_heavy_column_cannot_be_let_go(pipeline: Pipeline) -> None:
    for name in ("flag", "nothing"):
        with pytest.raises(ValueError, match=f"engine.evict: {name} writes no large column"):
            large_files(pipeline, [name])


def test_training_runs_of_other_settings_go_but_the_last_finished_one(tmp_path: Path) -> None:
    def run_of(name: str, steps: int, is_done: bool) -> Path:
        settings = json.loads(PARAMS.model_copy(update={"steps": steps}).model_dump_json())
        write_json(tmp_path / name / "train.json", {"params": settings})
        if is_done:
            write_json(tmp_path / name / "done.json", {})
        return tmp_path / name

    now, before, given_up = run_of("a", PARAMS.steps, False), run_of("b", 7, True), run_of("c", 8, False)
    assert superseded_runs(tmp_path, PARAMS) == [given_up]
    write_json(now / "done.json", {})
    assert superseded_runs(tmp_path, PARAMS) == [before, given_up]
