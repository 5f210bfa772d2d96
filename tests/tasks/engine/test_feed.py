"""Feeding a stage: songs of about the same length together, opened while the model works, written in order."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tasks.engine.feed import Row, batches_by_length, opened_ahead, take
from tasks.engine.run import run_chains
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.engine.table import Chain
from tests.tasks.engine.probes import ENGINE, Factor, Listen, Measure, table_of

FACTOR = Factor(factor=1.0)


def rows(*lengths: float, dropped: tuple[int, ...] = ()) -> list[Row]:
    return [
        Row(Song(f"s{place}", {"duration_s": length}), "gone" if place in dropped else None, None)
        for place, length in enumerate(lengths)
    ]


def ids(batches: list[list[Row]]) -> list[list[str]]:
    return [[row.song.song_id for row in batch] for batch in batches]


def test_batches_hold_songs_of_one_length_from_a_window_of_four_batches() -> None:
    lengths = (9, 1, 8, 2, 7, 3, 6, 4, 0.5)  # the last is in the next window, however short
    assert ids(list(batches_by_length(rows(*lengths), 2))) == [
        ["s1", "s3"],
        ["s5", "s7"],
        ["s6", "s4"],
        ["s2", "s0"],
        ["s8"],
    ]


def test_batches_of_one_keep_the_order_and_dropped_songs_are_in_none() -> None:
    assert ids(list(batches_by_length(rows(3, 1, 2, dropped=(1,)), 1))) == [["s0"], ["s2"]]


def test_songs_of_equal_length_keep_the_order_of_the_table() -> None:
    assert ids(list(batches_by_length(rows(5, 5, 5), 2))) == [["s0", "s1"], ["s2"]]


class Overlap(Listen):
    """Work on a song ends only when the next one has been opened."""

    def __init__(self) -> None:
        super().__init__(FACTOR)
        self.seen = {f"s{n}": threading.Event() for n in range(3)}

    def open(self, song: Song) -> list[str]:
        self.seen[song.song_id].set()
        return [song.song_id]


def test_next_batch_is_opened_while_the_model_works_and_no_more_than_that() -> None:
    stage = Overlap()
    with opened_ahead(stage, batches_by_length(rows(1, 2, 3), 1)) as batches:
        first = take(next(batches))
        assert first[0][0].opened == ["s0"]
        assert stage.seen["s1"].wait(timeout=30), "the second song was opened before the first was done"
        assert not stage.seen["s2"].is_set(), "the third waits: memory is bounded"
        assert [song.song_id for batch in batches for song in take(batch)[0]] == ["s1", "s2"]


def test_opened_things_are_no_columns_and_a_stage_called_alone_opens_for_itself() -> None:
    song = Song("a", {"title": "abc", "duration_s": 1.0})
    alone = Listen(FACTOR)([song])
    ahead = Listen(FACTOR)([song.with_opened(["x"])])
    assert alone[0].columns["artist"] == "abc" and ahead[0].columns["artist"] == "x"
    assert ahead[0].opened is None and song.with_opened(["x"]) == song


def test_song_that_cannot_be_opened_is_the_only_one_dropped() -> None:
    songs = [Row(Song(title, {"title": title, "duration_s": 1.0}), None, None) for title in ("a", "closed")]
    with opened_ahead(Listen(FACTOR), [songs]) as batches:
        opened, errors = take(next(batches))
    assert [song.song_id for song in opened] == ["a"]
    assert [error.reason for error in errors] == ["source_gone"]


def test_other_errors_of_opening_are_the_stage_s_own() -> None:
    class Faulty(Listen):
        def open(self, song: Song) -> list[str]:
            raise KeyError("a fault of the code")

    with opened_ahead(Faulty(FACTOR), [rows(1)]) as batches, pytest.raises(KeyError):
        take(next(batches))


def test_stage_of_batches_writes_in_the_order_of_the_table_and_the_same_bytes_whatever_the_pool(
    tmp_path: Path,
) -> None:
    titles = ["long title", "b", "longest title", "closed", "drop me", "dd", "ccc", "eeeee"]
    files = []
    for workers in (1, 2):
        root = tmp_path / str(workers)
        table = table_of(root, titles)
        stages: list[Stage] = [Measure(FACTOR), Listen(FACTOR)]
        chain = Chain(table, stages)
        run_chains([chain], ENGINE.model_copy(update={"num_workers": workers}), root / "receipts")
        ordered = chain.rows(["title", "artist", "source"])
        assert [row["song_id"] for row in ordered] == [
            s.song_id for p in table.partitions() for s in p.sources
        ]
        for row in ordered:
            if row["drop_reason"] is None:
                assert row["artist"] == row["title"] and row["title"] in row["source"]
        reasons = {row["title"]: row["drop_reason"] for row in ordered if row["drop_reason"]}
        assert reasons == {"closed": "source_gone", "drop me": "too_short"}
        assert any(
            " " in row["source"].replace("long title", "").replace("longest title", "")
            for row in ordered
            if row["source"]
        )
        files.append([chain.path("listen", number).read_bytes() for number in chain.partitions])
    assert files[0] == files[1]


def test_song_whose_decoder_hangs_is_dropped_alone(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one", "stuck"])
    chain = Chain(table, [Measure(FACTOR), Listen(FACTOR)])
    limits = ENGINE.model_copy(update={"song_limit_s": 1.0, "num_workers": 1})
    run_chains([chain], limits, tmp_path / "receipts")
    reasons = {row["title"]: row["drop_reason"] for row in chain.rows(["title"])}
    assert reasons == {"one": None, "stuck": "timed_out"}


def test_song_error_of_a_batch_drops_its_song_and_the_others_are_called_again() -> None:
    from tasks.engine.limits import Limits
    from tasks.engine.partition import call_stage

    class Picky(Listen):
        def one(self, song: Song) -> Song:
            if song["title"] == "bad":
                raise SongError(song.song_id, "bad_song")
            return super().one(song)

    songs = [Song(t, {"title": t, "duration_s": 1.0}, opened=[t]) for t in ("a", "bad", "c")]
    done, errors = call_stage(Picky(FACTOR), songs, Limits(10.0, 0.0))
    assert [song.song_id for song in done] == ["a", "c"] and done[0]["source"] == "a c"
    assert [error.song_id for error in errors] == ["bad"]
