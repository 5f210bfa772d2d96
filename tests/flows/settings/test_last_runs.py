"""The settings of the last runs are kept in the work folder; what looks takes them, what runs does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import fs

from flows import prepare
from flows.commands.app import project_as_run, project_at
from flows.settings.last_runs import MAX_TOLD, in_one_line
from flows.settings.params import load_params
from flows.settings.project import Project
from tasks.songs.listing import SongsParams
from tasks.storage.object_store import StorePath, place_of
from tests.every import every
from tests.tasks.tiny import write_song


def ran(work: Path, flow: str, *overrides: str) -> None:
    Project.at(work, None, overrides).keep_settings(flow)


def test_what_looks_takes_the_settings_of_the_last_run_and_tells_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(tmp_path, "prepare", "align.times=align", "songs.path=/songs")
    project = project_as_run(tmp_path, None, [])
    assert project.params.align.times == "align" and project.params.songs.path == "/songs"
    assert capsys.readouterr().out == "settings of the last run: align.times=align, songs.path=/songs\n"
    assert project_at(tmp_path, None, []).params.align.times == load_params().align.times


def test_given_settings_win_and_songs_alone_only_say_where_the_songs_lie_now(tmp_path: Path) -> None:
    ran(tmp_path, "prepare", "align.times=align", "songs.path=/songs")
    assert project_as_run(tmp_path, None, ["filter.min_words=4"]).params.align.times == "given"
    moved = project_as_run(tmp_path, None, [], Path("/moved"))
    assert (moved.params.align.times, moved.params.songs.path) == ("align", "/moved")


def test_what_runs_after_prepare_finds_the_songs_where_they_were_taken_in_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    ran(tmp_path, "prepare", "align.times=align", f"songs.path={tmp_path}")
    later = Project.at(tmp_path)
    assert later.songs_root == str(tmp_path) != later.params.songs.root
    assert later.params.align.times == "given", "nothing else of that run is taken"
    (moved := tmp_path / "moved").mkdir()
    assert Project.at(tmp_path, None, [f"songs.path={moved}"]).songs_root == str(moved)
    assert Project.at(moved).songs_root == load_params().songs.root


def test_what_takes_files_away_lays_what_is_given_over_the_last_runs(tmp_path: Path) -> None:
    ran(tmp_path, "prepare", "align.times=align")
    params = project_as_run(tmp_path, None, ["engine.evict=[separate]"], over_last=True).params
    assert (params.align.times, params.engine.evict) == ("align", ("separate",))


def test_a_training_with_other_settings_leaves_those_of_the_table_alone(tmp_path: Path) -> None:
    ran(tmp_path, "prepare", "align.times=align", "songs.path=/songs", "pretrain.steps=5")
    assert project_as_run(tmp_path, None, []).params.pretrain.steps == 5
    ran(tmp_path, "train", "pretrain.steps=7", "align.times=given")
    params = project_as_run(tmp_path, None, []).params
    assert (params.align.times, params.songs.path, params.pretrain.steps) == ("align", "/songs", 7)
    ran(tmp_path, "prepare", "songs.path=/songs")
    assert project_as_run(tmp_path, None, []).params.align.times == "given"


def test_defaults_are_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project_as_run(tmp_path, None, [])
    ran(tmp_path, "prepare", f"songs.path={load_params().songs.path}", "align.times=given")
    assert project_as_run(tmp_path, None, []).params.align == load_params().align
    assert capsys.readouterr().out == ""


def test_a_kept_file_can_be_given_again_and_its_songs_are_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("pretrain: {learning_rate: 1e-5}\n")
    Project.at(tmp_path / "W", overlay, ["songs.path=raw"]).keep_settings("prepare")
    kept = load_params(tmp_path / "W" / "settings" / "prepare.json")
    assert kept.pretrain.learning_rate == 1e-5 and kept.songs == SongsParams(path=str(tmp_path / "raw"))


@every("text", ['{"align": {"gone_setting": 1}}', "{", '"text"'])
def test_settings_of_other_code_are_one_line_that_names_their_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings" / "prepare.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(
        ValueError, match=r"settings/prepare\.json.*: give --params or --set, or remove .*settings for"
    ) as told:
        project_as_run(tmp_path, None, [])
    assert "\n" not in str(told.value)
    assert project_as_run(tmp_path, None, ["filter.min_words=4"]).params.filter.min_words == 4


def test_many_settings_are_one_short_line() -> None:
    line = in_one_line({f"a.b{number}": number for number in range(MAX_TOLD + 3)})
    assert line.startswith("a.b0=0, a.b1=1") and line.endswith("and 3 more")


def test_settings_are_kept_that_name_a_later_run_alone(tmp_path: Path) -> None:
    ran(tmp_path, "prepare", "align.times=align")
    ran(tmp_path, "prepare")
    assert json.loads((tmp_path / "settings" / "prepare.json").read_text()) == {}


def test_settings_are_kept_in_a_store_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bucket" / "W" / "settings").mkdir(parents=True)
    local = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(StorePath, "filesystem", local)
    work = place_of("s3://bucket/W")
    ran(work, "prepare", "align.times=align", "songs.path=s3://bucket/songs")
    params = project_as_run(work, None, []).params
    assert (params.align.times, params.songs.path) == ("align", "s3://bucket/songs")


def test_a_run_keeps_its_settings_when_its_songs_are_found_and_a_refused_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "run_stages", stopped)
    songs, work = tmp_path / "songs", tmp_path / "W"
    settings = [f"songs.path={songs}", "align.times=align"]
    with pytest.raises(ValueError, match="neither a folder"):
        prepare.run_prepare(Project.at(work, None, settings))
    assert not work.exists()
    write_song(songs / "a.wav")
    with pytest.raises(KeyboardInterrupt):
        prepare.run_prepare(Project.at(work, None, settings))
    assert project_as_run(work, None, []).params.align.times == "align"
