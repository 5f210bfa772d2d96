"""A file is whole or not there, and one that holds the right bytes already is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.storage.files import atomic_path, names_in, remove_tree, write_bytes, write_json, write_json_lines


def test_an_exception_half_way_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "below" / "table.parquet"
    for before in (None, b"the old one"):
        if before:
            path.write_bytes(before)
        with pytest.raises(RuntimeError, match="half way"), atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            assert temporary.parent == path.parent and not path.samefile(temporary) if before else True
            raise RuntimeError("half way")
        assert names_in(path.parent) == ({path.name} if before else set())
    assert path.read_bytes() == b"the old one"


def test_a_file_appears_under_its_name_when_all_of_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"one")
        assert not path.exists()
        with temporary.open("ab") as file:
            file.write(b" two")
    assert path.read_bytes() == b"one two" and names_in(tmp_path) == {"a.bin"}


def test_equal_bytes_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": 1, "a": "é"})
    first = path.stat()
    write_json(path, {"a": "é", "b": 1})
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    write_json(path, {"a": "é", "b": 2})
    assert path.stat().st_ino != first.st_ino
    assert path.read_text(encoding="utf-8") == '{\n "a": "é",\n "b": 2\n}\n'


def test_lines_are_an_object_each(tmp_path: Path) -> None:
    rows = [{"b": "line\nbreak", "a": 1}, {}]
    write_json_lines(tmp_path / "a.jsonl", rows)
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == rows


def test_a_folder_goes_with_all_in_it_and_what_is_no_folder_has_no_names(tmp_path: Path) -> None:
    write_bytes(tmp_path / "run" / "steps" / "a", b"x")
    assert names_in(tmp_path / "run") == {"steps"}
    remove_tree(tmp_path / "run")
    assert names_in(tmp_path) == set() == names_in(tmp_path / "run")
