"""`jam import`: what could be taken, what not, and the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.main import run
from tests.tasks.shards.test_convert_foreign import foreign, named, write_tar


def test_the_command_takes_what_it_can_and_says_what_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tar(tmp_path / "in" / "0.tar", named({"a": foreign(), "b": foreign() | {"style.pt": b""}}))
    assert run(["import", "--shards", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    said = capfd.readouterr().out.splitlines()[-1]
    assert "1 samples of 1 shards" in said and "bad_tensor 1" in said and "refused.jsonl" in said


def test_the_command_ends_with_2_when_nothing_could_be_taken(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tar(tmp_path / "in" / "0.tar", named({"b": foreign() | {"style.pt": b""}}))
    assert run(["import", "--shards", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    assert "bad_tensor 1" in capfd.readouterr().err
    assert run(["import", "--shards", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 2
    assert "nowhere" in capfd.readouterr().err
