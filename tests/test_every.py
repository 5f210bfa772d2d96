"""A row that fails fails its test, by name, and no other row."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.every import every

pytest_plugins = ["pytester"]

TABLE = """
from tests.every import every

@every("number, square", [(1, 1), (2, 5), (3, 9), (4, 17)])
def test_squares(number, square):
    assert number**2 == square

@every("left", [1, 2])
@every("right", [1, 2])
def test_all_pairs(left, right):
    assert left != 2 or right != 1
"""


def test_every_row_that_fails_is_told_and_the_others_run(pytester: pytest.Pytester) -> None:
    pytester.syspathinsert(Path(__file__).parents[1])
    pytester.makepyfile(TABLE)
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    told = outcome.stdout.str()
    assert outcome.ret == 1 and "2, 5" in told and "4, 17" in told and "SUBFAILED[3, 9]" not in told
    assert "SUBFAILED[2, 1]" in told and told.count("SUBFAILED") == 3


SEEN: list[Path] = []


@every("name", ["a", "b"])
def test_each_row_has_its_own_folder_and_environment(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tmp_path.is_dir() and not list(tmp_path.iterdir()) and tmp_path not in SEEN
    assert "JAM_EVERY" not in os.environ
    monkeypatch.setenv("JAM_EVERY", name)
    (tmp_path / "file").touch()
    SEEN.append(tmp_path)


def test_table_without_rows_is_refused() -> None:
    with pytest.raises(AssertionError, match="no row"):
        every("name", [])
