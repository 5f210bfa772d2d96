"""The jam command: bad input is one line and exit code 2, never a traceback."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from flows.commands.headings import PANELS, app
from flows.commands.main import run
from flows.run import prefect_server
from tests.every import every
from tests.flows.prefect_server import ROOT
from tests.tasks.tiny import write_song


@every(
    ("arguments", "words"),
    [
        (["prepare", "--songs", "/nowhere/at-all"], ["songs", "/nowhere/at-all"]),
        (["table", "--work", "/nowhere/at-all"], ["no song table", "jam prepare"]),
        (["report", "--work", "/nowhere/at-all"], ["no report", "jam benchmark"]),
        (["report", "--report", "/nowhere/a.html"], ["no report at /nowhere/a.html", "report.json"]),
        (
            ["table", "--set", "pack.extras=[facts,phonez,chords]"],
            ["'facts', 'phonez' are no members", "or []"],
        ),
        (["prepare", "--params", "/nowhere/params.yaml"], ["/nowhere/params.yaml"]),
        (["prepare", "--set", "align.speed=3"], ["no setting align.speed", "times"]),
        (["prepare", "--sngs", "x"], ["--sngs"]),
        (["prepare", "--params", "a.yaml", "--params=b.yaml"], ["--params is given 2 times", "over: [FIRST"]),
        (["polish"], ["polish"]),
        (["stage", "polish"], ["polish", "separate"]),
        (["import", "--shards", "/nowhere/{00..01}.tar", "--out", "/nowhere"], ["shards", "/nowhere/00.tar"]),
        (["toy", "--songs", "0"], ["num_songs", "0"]),
        (
            ["calibrate", "--songs", "/nowhere/at-all", "--work", "W"],
            ["/nowhere/at-all", "manifest", "label"],
        ),
        (
            ["study", "colour"],
            ["study", "'colour'", "timing-noise, times, phones, quantised, long-form, guidance"],
        ),
        (["pairs", "1", "--replay", "a", "--work", "/nowhere/at-all"], ["round 1", "'a'"]),
        (["train", "--work", "/nowhere/at-all"], ["no shards in", "jam prepare"]),
        (["dpo", "--work", "/nowhere/at-all"], ["no song table", "jam prepare"]),
        (["benchmark", "--work", "/nowhere/at-all"], ["no song table", "jam prepare"]),
        (["prepare", "--songs", str(ROOT / "docs")], ["nothing in", "docs", "can be taken as a song"]),
        (["prepare", "--songs", str(ROOT / "README.md")], ["README.md", "not a JSON list"]),
        (
            ["benchmark", "--set", "models.judge.model=audiobox"],
            ["models.judge.model", "CE, CU, PC, PQ", "songeval"],
        ),
        (
            ["generate", "--manifest", "/nowhere.json", "--checkpoint", "/nowhere", "--out", "/nowhere"],
            ["/nowhere"],
        ),
        (
            ["generate", "--page", "--manifest", "/nowhere.json", "--checkpoint", "/x", "--out", "/nowhere"],
            ["/nowhere.json"],
        ),
        (
            ["dpo", "--plan", "--set", "models.guard_transcriber.model=hama"],
            ["pair.max_word_loss", "hama, which writes no words"],
        ),
        (
            [
                "import",
                "--captions",
                str(ROOT / "README.md"),
                "--audio",
                str(ROOT / "docs"),
                "--out",
                "/nowhere",
            ],
            ["captions", "README.md is neither JSON", "MusicCaps"],
        ),
        (["generate", "--checkpoint", "/nowhere", "--out", "/nowhere"], ["--manifest", "--lyrics"]),
        (
            ["generate", "--lyrics", "/nowhere.txt", "--checkpoint", "/nowhere", "--out", "/nowhere"],
            ["style", "--lyrics needs --style"],
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str],
    words: list[str],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prefect_server, "start_temporary_server", lambda: pytest.fail("a server was started"))
    assert run(arguments) == 2
    shown = capfd.readouterr().err.strip()
    assert shown.startswith("jam: ") and "\n" not in shown and "Traceback" not in shown
    for word in words:
        assert word in shown
    assert not list(tmp_path.iterdir()), "nothing is left of what was refused"


def test_help_names_every_command_under_its_heading(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capfd.readouterr().out
    places = [shown.index(f" {heading} ") for heading in PANELS.values()]
    assert places == sorted(places)
    for command in app.registered_commands:
        assert command.callback and command.rich_help_panel in PANELS.values()
        name = command.name or command.callback.__name__
        assert f" {name} " in shown[shown.index(f" {command.rich_help_panel} ") :], name


def test_version_is_the_name_and_the_installed_version(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["--version"]) == 0
    assert re.fullmatch(r"jam-lifecycle \d+\.\d+\.\d+\S*\n", capfd.readouterr().out)
    monkeypatch.setattr("flows.commands.app.NAME", "no-such-package")
    assert run(["--version"]) == 0
    assert "not installed" in capfd.readouterr().out


def test_nobody_is_told_that_the_command_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    telling = ("DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED", "RAY_USAGE_STATS_ENABLED")
    for name in telling:
        monkeypatch.delenv(name, raising=False)
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text())["definitions"]["work_pool"]
    assert run(["--version"]) == 0
    for environment in (os.environ, deployed["job_variables"]["env"]):
        assert [environment[name] for name in telling] == ["1", "false", "0"]


@pytest.mark.parametrize(
    "arguments", [["probe", "timing"], ["dpo", "--sweep"], ["dpo", "--replay", "1", "a"]]
)
def test_commands_that_moved_are_gone(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "no such" in capfd.readouterr().err.lower()


def test_benchmark_of_a_folder_without_a_file_of_any_song_is_refused_before_anything_starts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_song(tmp_path / "theirs" / "take-1.wav", 0.2)
    (tmp_path / "list.json").write_text('[{"id": "moon", "lrc_path": "hello moon"}]')
    asked = ["--manifest", str(tmp_path / "list.json"), "--system", f"theirs={tmp_path / 'theirs'}"]
    assert run(["benchmark", *asked, "--work", str(tmp_path / "W")]) == 2
    shown = capfd.readouterr()
    assert shown.err.count("\n") == 1 and "take-1.wav" in shown.err and "moon.wav" in shown.err
    assert shown.out.startswith("benchmark: starting") and not (tmp_path / "W").exists()
