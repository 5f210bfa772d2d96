"""A song is kept once it is through the last stage; until then it is not yet through."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.console import table
from flows.pipelines.stages import finished_rows
from flows.settings.project import Project
from tasks.engine.pipeline import Pipeline
from tasks.upkeep.status import fates, unfinished
from tests.tasks.engine.probes import Cut, Factor, Flag, Measure, run_here, table_of

TITLES = ["one", "two", "three", "drop me", "five", "drop me", "seven", "eight"]


@pytest.fixture
def half(tmp_path: Path) -> Pipeline:
    """Two partitions of four songs, two of which the first of two stages drops from the first, which the second has not passed."""
    pipeline = Pipeline(
        table_of(tmp_path, TITLES),
        [Measure(Factor(factor=1.0)), Cut(Factor(factor=1.0))],
        tmp_path / "shards",
    )
    run_here(pipeline, tmp_path / "receipts" / "prepare")
    pipeline.path("cut", 0).unlink()
    return pipeline


def test_song_that_has_not_passed_the_last_stage_is_neither_kept_nor_dropped(half: Pipeline) -> None:
    found = fates(half, half.rows())
    assert str(found) == "8 songs in, 4 kept, 2 dropped, 2 not yet through"
    assert {row["partition"] for row in found.not_yet} == {0} == set(unfinished(half))
    run_here(half, half.table.root.parent / "receipts" / "prepare")
    assert str(fates(half, half.rows())) == "8 songs in, 6 kept, 2 dropped"


def test_table_counts_what_is_not_yet_through_apart(
    half: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "prepared_pipeline", lambda project: half)
    table.print_table(Project.at(half.table.root.parent))
    assert "8 songs in, 4 kept, 2 dropped, 2 not yet through; kept: " in capsys.readouterr().out


def test_what_is_made_of_prepared_songs_leaves_out_unfinished_partitions_and_says_so(
    half: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = finished_rows(half, ["duration_s"])
    assert [row["partition"] for row in rows] == [1] * 4
    assert "4 songs not yet through its stages" in capsys.readouterr().out
    run_here(half, half.table.root.parent / "receipts" / "prepare")
    assert len(finished_rows(half, ["duration_s"])) == 8 and not capsys.readouterr().out
    work = half.table.root.parent
    other = Pipeline(half.table, [Measure(Factor(factor=2.0)), Cut(Factor(factor=1.0))], work / "shards")
    (work / "settings").mkdir()
    (work / "settings/prepare.json").write_text("{}")
    with pytest.raises(
        ValueError,
        match=r"8 songs in .* other settings \(measure factor: 1.0 -> 2.0\); .*--params .*prepare.json` does\), or run",
    ):
        finished_rows(other, ["duration_s"])
    monkeypatch.setattr(Cut, "version", 2)
    same = Pipeline(half.table, [Measure(Factor(factor=1.0)), Cut(Factor(factor=1.0))], work / "shards")
    with pytest.raises(
        ValueError,
        match=r"with these settings by other code \(cut version: 1 -> 2\); run `jam prepare` with the same settings again",
    ):
        finished_rows(same, ["duration_s"])
    more = Pipeline(
        half.table,
        [Measure(Factor(factor=2.0)), Flag(Factor(factor=2.0)), Cut(Factor(factor=1.0))],
        work / "shards",
    )
    told = r"other settings \(measure factor: 1.0 -> 2.0; never ran: flag\) and by other code \(cut version: 1 -> 2\); give"
    with pytest.raises(ValueError, match=told):
        finished_rows(more, ["duration_s"])
    monkeypatch.undo()
    for file in (half.table.root / "cut").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="none through the stages of prepare; run `jam prepare"):
        finished_rows(half, ["duration_s"])
