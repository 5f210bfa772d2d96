"""jam benchmark --manifest: any systems beside the true songs; what is missing is counted, what stands is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.commands.main import run
from flows.pipelines.old_songs import listed_old_songs, sung_again
from flows.settings.project import Project
from tasks.songs.hashes import hash_file
from tests.tasks.stages.generated.test_generate import tiny_checkpoint
from tests.tasks.tiny import write_song

pytestmark = pytest.mark.slow
FAST = [
    "engine.num_workers=1",
    "sampler.num_steps=2",
    "benchmark.num_resamples=200",
    "benchmark.player_songs=1",
]
WORDS = [{"word": "moon", "start": 0.1, "end": 0.5}, {"word": "light", "start": 0.6, "end": 1.0}]
NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three songs of 1.2 s with word times, the same as a system's files, and a system that fails on two of them."""
    house = tmp_path_factory.mktemp("judge_scores")
    tiny_checkpoint(house / "model")
    rows = []
    for number, name in enumerate(NAMES):
        write_song(house / "true" / f"{name}.wav", 1.2, seed=number)
        write_song(house / "copy" / f"{name}.flac", 1.2, seed=number)
        (house / "true" / f"{name}.json").write_text(json.dumps(WORDS))
        rows.append({"id": name, "audio_path": f"true/{name}.wav", "duration": 1.2})
    rows.append({"id": "untold", "audio_path": "true/a.wav", "lrc_path": None})
    rows.append({"id": "elsewhere", "audio_path": "true/gone.wav", "lrc_path": WORDS, "duration": 1.2})
    write_song(house / "theirs" / "a.mp3", 2.0)
    write_song(house / "theirs" / "of-no-song.wav", 1.2)
    (house / "theirs" / "b.wav").write_text("no audio")
    for number in range(3):
        write_song(house / "reference" / f"r{number}.wav", 30.0, seed=number)
    (house / "list.json").write_text(json.dumps(rows))
    return house


def judge(house: Path, *more: str) -> int:
    settings = [text for setting in FAST for text in ("--set", setting)]
    systems = [f"copy={house / 'copy'}", f"theirs={house / 'theirs'}"]
    given = [text for system in systems for text in ("--system", system)]
    given += ["--checkpoint", f"ours={house / 'model'}", "--reference", str(house / "reference")]
    return run(
        [
            "benchmark",
            "--manifest",
            str(house / "list.json"),
            "--work",
            str(house / "W"),
            *given,
            *settings,
            *more,
        ]
    )


def report(house: Path) -> dict[str, Any]:
    return json.loads((house / "W/benchmarks/list/reports/benchmark/report.json").read_text())


def test_systems_are_judged_beside_the_true_songs_and_failures_are_counted(
    house: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert judge(house) == 0
    shown = capfd.readouterr().out
    assert "1 rows are no song to judge by" in shown and "of-no-song.wav" in shown
    found = report(house)
    assert found["title"] == "list songs, our protocol"
    assert list(found["system_order"]) == ["truth", "copy", "theirs", "ours"]
    systems = found["systems"]
    assert systems["truth"]["metrics"]["wer"]["n_failed"] == 1, "one true song is not here"
    theirs = systems["theirs"]
    assert (theirs["metrics"]["judge_mean"]["n"], theirs["metrics"]["judge_mean"]["n_failed"]) == (1, 3)
    assert "3 of 4 songs failed: missing 2, not_audio 1" in theirs["note"]
    assert theirs["metrics"]["energy_after_end"]["value"] > 0.1, "cut at the reference end"
    assert systems["ours"]["metrics"]["judge_mean"]["n"] == 3, "generates all that have a style"
    assert systems["ours"]["note"] == "1 of 4 songs failed: no_style 1"
    assert systems["copy"]["metrics"]["style_similarity"]["value"] == pytest.approx(1.0, abs=1e-3)
    assert found["run"]["rtf"].keys() == {"ours"}
    assert str(house) not in json.dumps(found), "no path is in it"


def test_what_stands_is_kept_and_what_went_is_made_again(
    house: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    judge(house)
    before = report(house)
    capfd.readouterr()
    assert judge(house) == 0
    shown = capfd.readouterr().out
    assert "worker seconds" not in shown and "report: up to date" in shown
    lost = next((house / "W/benchmarks/list/folders/table/score").glob("part-*.parquet"))
    shutil.rmtree(house / "W/benchmarks/list/reports")
    lost.unlink()
    assert judge(house) == 0
    shown = capfd.readouterr().out
    assert shown.count("worker seconds") == 1 and "score: " in shown
    after = report(house)
    assert {**after, "run": None} == {**before, "run": None}


def test_what_listeners_prefer_stands_in_the_report_with_its_interval(house: Path) -> None:
    systems = ["--system", f"copy={house / 'copy'}", "--system", f"theirs={house / 'true'}"]
    assert run(["listen", "--work", str(house / "W"), *systems, "--set", "listening_test.num_songs=2"]) == 0
    (key,) = (house / "W/reports/listen").glob("*/key.json")
    rows = ["page,listener,trial,enjoyment,style"]
    for trial, side in json.loads(key.read_text())["trials"].items():
        rows.append(f"{key.parent.name},Ann,{trial},{'A' if side['A'] == 'copy' else 'B'},same")
    (key.parent / "ann.csv").write_text("\n".join(rows) + "\n")
    assert judge(house) == 0
    enjoyment, style = report(house)["listening"]
    assert (enjoyment["left"], enjoyment["num_answers"], enjoyment["estimate"]["n"]) == ("copy", 2, 2)
    assert [enjoyment["estimate"][name] for name in ("value", "low", "high")] == [1.0, 1.0, 1.0]
    assert style["estimate"]["value"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--system", "x=gone"], "need --manifest"),
        (["--manifest", "list.json"], "nothing to judge"),
        (["--manifest", "list.json", "--system", "x"], "is no NAME=DIR"),
        (["--manifest", "list.json", "--system", "truth=."], "not 'truth'"),
    ],
)
def test_request_that_cannot_be_met_is_one_line(
    house: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    given = [str(house / text) if text == "list.json" else text for text in arguments]
    assert run(["benchmark", *given, "--work", str(house / "V")]) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1


def test_old_songs_are_generated_before_and_after_and_those_trained_on_are_left_out(house: Path) -> None:
    before, after = tiny_checkpoint(house / "before", seed=5), tiny_checkpoint(house / "after", seed=6)
    models = {"start": house / "before", "trained": house / "after"}
    assert before != after
    settings = [*FAST, f"start.old_songs={house / 'list.json'}"]
    project = Project.at(str(house / "tuned"), None, settings)
    trained_on = {hash_file(house / "true/c.wav")}
    old = sung_again(project, listed_old_songs(project), models, trained_on)
    assert old is not None
    words = next(one for one in old.comparisons() if one.name == "forgot")
    assert (words.left, words.right) == ("trained", "start")
    assert (words.estimate.n, words.estimate.n_failed) == (2, 1), "c was trained on, elsewhere is not here"
    assert sung_again(project, None, {"trained": house / "after"}, set()) is None, "nothing was trained"
    nowhere = Project.at(str(house / "tuned"), None, [*FAST, f"start.old_songs={house / 'none.json'}"])
    with pytest.raises(ValueError, match=r"start\.old_songs: "):
        listed_old_songs(nowhere)
