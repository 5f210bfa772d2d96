"""The jam command: bad input is one line and exit code 2, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.main import run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prepare", "--songs", "/nowhere/at-all"], ["songs", "/nowhere/at-all"]),
        (["table", "--work", "/nowhere/at-all"], ["no song table", "jam prepare"]),
        (["report", "--work", "/nowhere/at-all"], ["no report", "jam benchmark"]),
        (["prepare", "--params", "/nowhere/params.yaml"], ["/nowhere/params.yaml"]),
        (["prepare", "--set", "align.speed=3"], ["align.speed", "not a setting"]),
        (["prepare", "--sngs", "x"], ["--sngs"]),
        (["polish"], ["polish"]),
        (["stage", "polish"], ["polish", "separate"]),
        (["import", "--shards", "/nowhere/{00..01}.tar", "--out", "/nowhere"], ["shards", "/nowhere/00.tar"]),
        (["toy", "--songs", "0"], ["num_songs", "0"]),
        (
            ["calibrate", "--songs", "/nowhere/at-all", "--work", "W"],
            ["/nowhere/at-all", "manifest", "label"],
        ),
        (["train", "--work", "/nowhere/at-all"], ["index.json", "pack"]),
        (
            ["benchmark", "--set", "models.judge.model=audiobox"],
            ["models.judge.model", "CE, CU, PC, PQ", "songeval"],
        ),
        (
            ["generate", "--manifest", "/nowhere.json", "--checkpoint", "/nowhere", "--out", "/nowhere"],
            ["/nowhere"],
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
    assert run(arguments) == 2
    shown = capfd.readouterr().err.strip()
    assert shown.startswith("jam: ") and "\n" not in shown and "Traceback" not in shown
    for word in words:
        assert word in shown


def test_help_names_every_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capfd.readouterr().out
    for command in (
        "toy", "run", "prepare", "calibrate", "import", "train", "generate", "dpo", "benchmark", "report",
        "table", "look", "why", "retry", "verify", "doctor", "stage",
    ):  # fmt: skip
        assert command in shown
