"""`jam generate` before anything starts: what cannot be sung is named, what will be lost is told, paths are looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.commands.main import run
from flows.console.generate import Asked, check_request
from flows.generate import NothingGenerated, tell_end
from flows.pipelines.checkpoints import checkpoint_at
from flows.settings.project import Project
from jam_model.config import JamConfig
from tasks.prompts.one_song import OneSong
from tasks.prompts.output_folder import WrittenSongs
from tests.tasks.stages.generated.test_generate import TINY

ROW = {"lrc_path": None, "prompt_path": "pop.txt", "duration": 1.2}


def checkpoint(folder: Path, config: JamConfig = TINY, finished: bool = True) -> Path:
    """What is asked of a checkpoint before anything is loaded: its config."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "model.safetensors").write_bytes(b"")
    if finished:
        (folder / "done.json").write_text("{}")
    return folder


def ask(root: Path, rows: list[dict[str, Any]] | None = None, **given: Any) -> Asked:
    """The request of these rows to a model of 1.4 s in the work folder ``work``."""
    if not (root / "work").exists():
        checkpoint(root / "work" / "checkpoints" / "sft" / "abc")
    if rows is not None:
        (root / "pop.txt").write_text("bright pop\n")
        (root / "list.json").write_text(json.dumps([{**ROW, **row} for row in rows]))
    options = {"manifest": root / "list.json" if rows is not None else None, "song": None, "checkpoint": None}
    options |= {"work": root / "work", **given}
    return check_request(Project.at(root / "out"), **options)


def test_too_long_rows_are_named_and_the_others_left_to_sing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": "a", "duration": 44.0}, {"id": "b", "text": "moon"}, {"id": "c", "duration": 2.0}]
    assert ask(tmp_path, rows).num_songs == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("generate: left out: a: prompt_too_long: duration is 44.0 s, at most 1.5 s;")
    assert shown[1].startswith("generate: left out: c: prompt_too_long: duration is 2.0 s")


def test_what_is_lost_of_the_words_is_a_line_a_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = json.dumps([{"word": "moon", "start": 0.1, "end": 0.4}, {"word": "light", "start": 3, "end": 4}])
    ask(tmp_path, [{"id": "a", "lyrics": "[Verse]\nmoon"}, {"id": "b", "lyrics": late}])
    shown = capsys.readouterr().out
    assert "lyrics: label 1 in 1 of 2 songs: a: line 1: [Verse]\n" in shown
    assert (
        "lyrics: past_end 1 in 1 of 2 songs (lost; give a longer duration or a higher tempo): b: word 2 'light' at 3.00 s, the song ends at 1.16 s\n"
        in shown
    )


def test_rows_without_word_times_get_rough_ones_that_can_be_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(tmp_path, [{"id": "a", "lyrics": "moon"}])
    timed = tmp_path / "out" / "request" / "a.json"
    assert f"word times: rough ones for 1 song in {timed.parent} (edit them" in capsys.readouterr().out
    timed.write_text(timed.read_text().replace("moon", "sun"))
    with pytest.raises(ValueError, match="name it as lrc_path of 'a' in the manifest, or remove the file"):
        ask(tmp_path, [{"id": "a", "lyrics": "moon"}])
    assert ask(tmp_path, [{"id": "a", "lrc_path": str(timed)}]).num_songs == 1


def test_one_songs_labels_are_told_though_its_word_times_no_longer_have_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "song.txt").write_text("[Verse]\nmoon light\n")
    asked = ask(tmp_path, song=OneSong(tmp_path / "song.txt", "pop", None, 1.2))
    shown = capsys.readouterr().out
    assert "lyrics: label 1: line 1: [Verse]\n" in shown and shown.count("word times: ") == 1
    assert asked.num_songs == 1 and asked.manifest == tmp_path / "out" / "request" / "song.manifest.json"


def test_paths_are_looked_at_before_word_times_are_written(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("moon\n")
    (tmp_path / "file").write_text("")
    song = OneSong(tmp_path / "song.txt", "pop", None, 1.2)
    with pytest.raises(
        ValueError, match=r"checkpoint: none at .*nowhere; give a folder with model.safetensors"
    ):
        ask(tmp_path, song=song, checkpoint=tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"manifest: .*gone.json is no file"):
        ask(tmp_path, manifest=tmp_path / "gone.json")
    with pytest.raises(ValueError, match=r"out: .*file is no folder"):
        check_request(Project.at(tmp_path / "file" / "out"), None, song, None, tmp_path / "work")
    with pytest.raises(ValueError, match="one of the two"):
        ask(tmp_path, [], song=song)
    follows = checkpoint(tmp_path / "follows", replace(TINY, controls=("melody",)))
    for name, model, told in (
        ("drums", follows, "controls: drums asked of .*follows, which knows melody; leave it out"),
        ("like", None, r"controls: audio \(like\) asked of .*, which knows none"),
        ("melody", follows, "^melody: .*file is neither notes"),
    ):
        with pytest.raises(ValueError, match=told):
            ask(tmp_path, song=replace(song, controls={name: str(tmp_path / "file")}), checkpoint=model)
    assert not (tmp_path / "out").exists()


def test_a_path_means_the_finished_checkpoint_right_below_it_and_a_work_folder_its_kept_one(
    tmp_path: Path,
) -> None:
    work = tmp_path / "work"
    tuned = checkpoint(work / "checkpoints" / "sft" / "abc")
    checkpoint(work / "checkpoints" / "sft" / "half", finished=False)
    kept = checkpoint(work / "rounds" / "2" / "train" / "def")
    assert checkpoint_at(tuned.parent) == tuned == ask(tmp_path, []).checkpoint
    note = {"round": 2, "checkpoint": str(kept.relative_to(work))}
    (work / "rounds" / "kept.json").write_text(json.dumps(note))
    assert ask(tmp_path, []).checkpoint == kept
    with pytest.raises(ValueError, match=f"--work {work} alone means its kept one"):
        checkpoint_at(work)


def test_nothing_written_is_a_failed_run_and_what_stands_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    songs = [{"title": "a", "drop_reason": "not_finite"}, {"title": "b", "drop_reason": None}]
    tell_end(Path("out"), None, songs, WrittenSongs(Path("m"), 0, 1, []))
    assert (
        capsys.readouterr().out
        == "generate: 0 songs written to out, 1 stood already, 1 dropped (not_finite: a)\n"
    )
    with pytest.raises(NothingGenerated, match=r"no song was written, 1 dropped \(not_finite: a\)"):
        tell_end(Path("out"), None, songs[:1], WrittenSongs(Path("m"), 0, 0, []))


@pytest.mark.parametrize(
    ("options", "blamed"),
    [(["--format", "ogg"], "'--format'"), (["--write-lyrics", "ogg"], "--write-lyrics: 'ogg' is no form")],
)
def test_a_form_that_is_not_written_is_blamed_on_its_option(
    options: list[str], blamed: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["generate", "--out", str(tmp_path / "out"), "--lyrics", "a.txt", *options]) == 2
    shown = capfd.readouterr().err
    assert blamed in shown and "output." not in shown and shown.count("\n") == 1


def test_a_manifest_of_which_no_row_can_be_sung_ends_with_1_before_anything_starts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.json").write_text(json.dumps([{**ROW, "id": "a", "duration": 44.0}]))
    checkpoint(tmp_path / "work" / "checkpoints" / "sft" / "abc")
    given = {"--out": "out", "--work": "work", "--manifest": "list.json"}
    assert (
        run(["generate", *(text for key, name in given.items() for text in (key, str(tmp_path / name)))]) == 1
    )
    shown = capfd.readouterr()
    assert "a: prompt_too_long" in shown.out and "nothing was written" in shown.err
    assert not (tmp_path / "out").exists()


def test_parts_that_ask_for_what_nobody_reads_are_refused_before_anything_is_told_or_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint(tmp_path / "work" / "checkpoints" / "sft" / "abc")
    always = Project.at(tmp_path / "out", None, ["prompt.part_styles=always"])
    for text, told in (
        ("[Verse: harpsichord]\nmoon light\n", r"^part \[Verse: harpsichord\]: style text .* no known tag"),
        ("[Solo: pop]\n[Verse]\nmoon light\n", r"^part \[Solo: pop\] has no time between"),
    ):
        (tmp_path / "song.txt").write_text(text)
        song = OneSong(tmp_path / "song.txt", "pop", None, 1.2)
        with pytest.raises(ValueError, match=told):
            check_request(always, None, song, None, tmp_path / "work")
        ask(tmp_path, song=song)  # of weights that learned one style nothing is asked
        assert "harpsichord" not in capsys.readouterr().err
        (tmp_path / "out" / "request" / "song.json").unlink()
