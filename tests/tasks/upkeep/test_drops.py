"""Why songs were dropped, in sentences: of stages, of the listing, of songs that ended their workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.engine.pipeline import Pipeline
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.upkeep.drops import Drop, by_reason, drops_of, example_of
from tests.tasks.engine.probes import Factor, Measure, run_here


def source(name: str, refused: str | None = None, content_hash: str = "") -> Source:
    facts: dict[str, Any] = {"title": name, "content_hash": content_hash or name, "refused": refused}
    return Source(name, name, {**facts, "audio": {"path": f"{name}.wav", "bytes": None}})


def test_every_drop_has_its_sentence_also_those_that_no_stage_gave(tmp_path: Path) -> None:
    songs = [
        source("drop me"),
        source("fine"),
        source("twin", "duplicate", "fine"),
        source("gone", "source_gone"),
        source("linked", "lyrics_outside_root"),
    ]
    table = Table(tmp_path / "table", SONG_COLUMNS)
    table.admit(songs, 2, fewest=1)
    pipeline = Pipeline(table, [Measure(Factor(factor=1.0))])
    run_here(pipeline, tmp_path / "receipts")
    rows = pipeline.rows()
    assert {drop.song_id: str(drop) for drop in drops_of(pipeline, rows, tmp_path / "receipts")} == {
        "drop me": "too_short: made for the test",
        "twin": "duplicate: twin.wav is, byte for byte, the audio of fine",
        "gone": "source_gone: gone.wav was not among the songs that were listed last",
        "linked": "lyrics_outside_root: the lyrics file of linked.wav cannot be used: outside root",
    }
    lost = drops_of(pipeline, rows, tmp_path / "elsewhere")
    assert str(lost[0]) == "too_short" and lost[0].stage == "measure"


def test_a_song_that_ended_its_workers_says_so(tmp_path: Path) -> None:
    row = {"song_id": "a", "drop_reason": "out_of_memory", "dropped_by": "measure", "partition": 0}
    table = Table(tmp_path, SONG_COLUMNS)
    table.admit([source("a")], 1)
    (drop,) = drops_of(Pipeline(table, [Measure(Factor(factor=1.0))]), [row], tmp_path)
    assert (
        drop.sentence
        == "each worker that was given this song alone took too much memory (engine.song_memory_mb)"
    )


def test_the_most_frequent_reason_comes_first_and_an_example_says_something() -> None:
    drops = [Drop("a", "s", "rare", ""), Drop("b", "s", "often", ""), Drop("c", "s", "often", "why")]
    assert list(by_reason(drops)) == ["often", "rare"]
    assert example_of(drops[1:]).song_id == "c" and example_of(drops[:1]).song_id == "a"
