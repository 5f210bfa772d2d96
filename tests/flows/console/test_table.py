"""What a person sees of a work folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.commands.main import run
from flows.console import table
from flows.settings.project import Project
from tasks.engine.pipeline import Pipeline
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.storage.files import write_json_lines
from tests.tasks.engine.probes import Factor, Measure, run_here, table_of


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    pipeline = Pipeline(table_of(tmp_path, ["one", "two"]), [Measure(Factor(factor=1.0))])
    monkeypatch.setattr(table, "prepared_pipeline", lambda project: pipeline)
    return pipeline


def test_rates_show_what_a_stage_took_and_a_dash_for_what_is_not_known(
    prepared: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = {
        "number": 0, "songs": 2, "seconds": 36.0, "audio_s": 3600.0, "waiting_s": 9.0, "workers": 4,
        "device": "NVIDIA H200", "peak_memory_mb": 512.0, "peak_gpu_memory_mb": None, "decodes": 3,
    }  # fmt: skip
    path = (
        tmp_path / "receipts" / "prepare" / "measure" / prepared.path("measure", 0).with_suffix(".json").name
    )
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(note))
    table.print_rates(Project.at(tmp_path))
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if line.startswith("measure"))
    assert row.split() == [
        "measure",
        "2",
        "1.00",
        "-",
        "3",
        "36.0",
        "100",
        "25%",
        "512",
        "-",
        "4",
        "2.5",
        "h",
        "NVIDIA",
        "H200",
    ]
    assert "1,000 hours of audio through all of them, on as many workers: 2.5 h" in shown


def test_rates_of_a_work_folder_in_which_nothing_ran_are_refused(prepared: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no receipts"):
        table.print_rates(Project.at(tmp_path))


@pytest.fixture
def with_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder of eight songs: two kept, five dropped for one reason, one that was a copy; two files were no songs."""
    titles = ["one", "two", *["drop me"] * 5]
    facts = [
        {"title": title, "content_hash": str(i), "audio": {"path": f"{i}.wav", "bytes": None}}
        for i, title in enumerate(titles)
    ]
    facts.append({**facts[0], "audio": {"path": "copy.wav", "bytes": None}, "refused": "duplicate"})
    songs = Table(tmp_path / "table", SONG_COLUMNS)
    songs.admit([Source(f"song-{i}", str(i), one) for i, one in enumerate(facts)], 8, fewest=1)
    pipeline = Pipeline(songs, [Measure(Factor(factor=1.0))])
    run_here(pipeline, tmp_path / "receipts" / "prepare")
    write_json_lines(
        tmp_path / "ingest.jsonl",
        [
            {"path": "a.pdf", "reason": "unsupported_ending"},
            {"path": "b.txt", "reason": "lyrics_without_audio", "detail": "no b.*"},
        ],
    )
    monkeypatch.setattr(table, "prepared_pipeline", lambda project: pipeline)
    return tmp_path


def test_each_reason_has_its_count_and_a_whole_sentence(
    with_drops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.print_table(Project.at(with_drops))
    said = capsys.readouterr().out.splitlines()
    assert "too_short 5: for example song-2: made for the test" in said
    assert "duplicate 1: song-7: copy.wav is, byte for byte, the audio of song-0" in said
    assert any(line.startswith("8 songs in, 2 kept, 6 dropped") for line in said)
    assert said[-1].startswith(
        "not taken as songs: 2 files, 1 lyrics_without_audio (b.txt), 1 unsupported_ending (a.pdf); all in "
    )


def test_drops_list_the_first_of_each_reason_and_tell_how_many_more(
    with_drops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = ["--work", str(with_drops)]
    assert run(["table", "--drops", "--first", "2", *work]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == [
        "too_short, by measure: 5 songs",
        "  song-2: made for the test",
        "  song-3: made for the test",
        "  and 3 more; --all lists them",
    ]
    assert "duplicate, by sources: 1 song" in said
    assert said[-4:] == [
        "not taken as songs, lyrics_without_audio: 1 file",
        "  b.txt: no b.*",
        "not taken as songs, unsupported_ending: 1 file",
        "  a.pdf",
    ]
    assert run(["table", "--drops", "--all", *work]) == 0
    said = capsys.readouterr().out
    assert said.count("made for the test") == 5 and "more;" not in said
