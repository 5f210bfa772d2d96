"""Feeding a stage: songs opened while the model works, written in the order of the table."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tasks.engine.inputs import Row, opened_ahead
from tasks.engine.pipeline import Pipeline
from tasks.engine.scheduler import run_pipelines
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tests.tasks.engine.probes import ENGINE, Factor, Listen, Measure, table_of

FACTOR = Factor(factor=1.0)


def rows(*lengths: float, dropped: tuple[int, ...] = ()) -> list[Row]:
    return [
        Row(Song(f"s{place}", {"duration_s": length}), "gone" if place in dropped else None, None)
        for place, length in enumerate(lengths)
    ]


class Overlap(Listen):
    """Work on a song ends only when the next one has been opened."""

    def __init__(self) -> None:
        super().__init__(FACTOR)
        self.seen = {f"s{n}": threading.Event() for n in range(3)}

    def open(self, song: Song) -> list[str]:
        self.seen[song.song_id].set()
        return [song.song_id]


def test_next_song_is_opened_while_the_model_works_and_no_more_than_that() -> None:
    stage = Overlap()
    with opened_ahead(stage, rows(1, 2, 3)) as opened:
        assert next(opened).opened_song().opened == ["s0"]
        assert stage.seen["s1"].wait(timeout=30), "the second song was opened before the first was done"
        assert not stage.seen["s2"].is_set(), "the third waits: memory is bounded"
        assert [row.opened_song().song_id for row in opened] == ["s1", "s2"]


def test_dropped_songs_keep_their_place_and_are_not_opened() -> None:
    stage = Overlap()
    with opened_ahead(stage, rows(1, 2, 3, dropped=(0, 1))) as opened:
        assert [(row.song.song_id, row.opening is None) for row in opened] == [
            ("s0", True),
            ("s1", True),
            ("s2", False),
        ]
    assert not stage.seen["s0"].is_set() and not stage.seen["s1"].is_set()


def test_opened_things_are_no_columns_and_a_stage_called_alone_opens_for_itself() -> None:
    song = Song("a", {"title": "abc", "duration_s": 1.0})
    alone = Listen(FACTOR)([song])
    ahead = Listen(FACTOR)([song.with_opened(["x"])])
    assert alone[0].columns["artist"] == "abc" and ahead[0].columns["artist"] == "x"
    assert ahead[0].opened is None and song.with_opened(["x"]) == song


@pytest.mark.parametrize("error", [SongError("s0", "source_gone"), KeyError("a fault of the code")])
def test_what_opening_raises_comes_out_where_the_song_is_waited_for(error: Exception) -> None:
    class Faulty(Listen):
        def open(self, song: Song) -> list[str]:
            raise error

    with opened_ahead(Faulty(FACTOR), rows(1)) as opened, pytest.raises(type(error)):
        next(opened).opened_song()


@pytest.mark.slow
def test_stage_that_opens_writes_in_the_order_of_the_table_and_the_same_bytes_whatever_the_pool(
    tmp_path: Path,
) -> None:
    titles = ["long title", "b", "longest title", "closed", "drop me", "dd", "ccc", "eeeee"]
    files = []
    for workers in (1, 2):
        root = tmp_path / str(workers)
        table = table_of(root, titles)
        stages: list[Stage] = [Measure(FACTOR), Listen(FACTOR)]
        pipeline = Pipeline(table, stages)
        run_pipelines([pipeline], ENGINE.model_copy(update={"num_workers": workers}), root / "receipts")
        ordered = pipeline.rows(["title", "artist"])
        assert [row["song_id"] for row in ordered] == [
            s.song_id for p in table.partitions() for s in p.sources
        ]
        for row in ordered:
            if row["drop_reason"] is None:
                assert row["artist"] == row["title"]
        reasons = {row["title"]: row["drop_reason"] for row in ordered if row["drop_reason"]}
        assert reasons == {"closed": "source_gone", "drop me": "too_short"}
        files.append([pipeline.path("listen", number).read_bytes() for number in pipeline.partitions])
    assert files[0] == files[1]


@pytest.mark.slow
def test_song_whose_decoder_hangs_is_dropped_alone(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one", "stuck"])
    pipeline = Pipeline(table, [Measure(FACTOR), Listen(FACTOR)])
    limits = ENGINE.model_copy(update={"song_limit_s": 1.0, "num_workers": 1})
    run_pipelines([pipeline], limits, tmp_path / "receipts")
    reasons = {row["title"]: row["drop_reason"] for row in pipeline.rows(["title"])}
    assert reasons == {"one": None, "stuck": "timed_out"}
