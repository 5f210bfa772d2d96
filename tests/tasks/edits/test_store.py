"""Edits by hand: immutable, in a row, one writer a state; what they come to, and what of them is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.edits.kinds import AGAIN, APPROVE, REJECT, TIMES, UNDO, WORDS, by_stage, decided
from tasks.edits.store import FIRST, Conflict, add_edit, damaged_edits, edits_of, last_id

SONG = "ab" * 32
TIMED = {"words": "w", "times": [[0.5, 1.0], [1.0, 2.5]]}
REFUSED: tuple[tuple[str, Any, str], ...] = (
    ("sing", {}, "none of"),
    (TIMES, {"words": "w", "times": []}, "each of 1 to"),
    (TIMES, {"words": "w", "times": [[2.0, 2.5], [1.0, 2.5]]}, "in order"),
    (TIMES, {"words": "w", "times": [[1.0, 0.5]]}, "no end before its start"),
    (TIMES, {"words": "w", "times": [[float("nan"), 2.0]]}, "in seconds"),
    (TIMES, {"words": "w", "times": [[True, 2.0]]}, "in seconds"),
    (APPROVE, {"reason": " "}, "1 to 500"),
    (REJECT, {"reason": "x" * 501}, "1 to 500"),
    (UNDO, {"reason": "x"}, "no fields"),
    (WORDS, {"made_on": "x", "words": ["a b"], "times": [[0, 1]]}, "no blank"),
    (WORDS, {"made_on": "x", "words": ["a", "b"], "times": [[0, 1]]}, "each of the 1 times"),
    (AGAIN, ["align"], "value"),
)


def test_edits_stand_in_a_row_a_second_writer_is_refused_and_what_was_altered_is_found(
    tmp_path: Path,
) -> None:
    first = add_edit(tmp_path, SONG, "song", FIRST, TIMES, TIMED)
    with pytest.raises(Conflict, match="1 edit by now"):
        add_edit(tmp_path, SONG, "song", FIRST, REJECT, {"reason": "late"})
    second = add_edit(tmp_path, SONG, "song", first.id, APPROVE, {"reason": "<b>fine</b>"})
    folder = tmp_path / "edits" / SONG
    assert [path.name for path in sorted(folder.iterdir())] == [first.name, second.name]
    (folder / f".tmp-0a9a9e93-{second.name}").write_bytes(b"{")  # whoever wrote it was killed
    assert edits_of(tmp_path, SONG) == [first, second]
    (folder / f".tmp-0a9a9e93-{second.name}").unlink()
    said = {"align": TIMED, "filter": {"decision": APPROVE, "reason": "<b>fine</b>"}}
    assert by_stage(edits_of(tmp_path, SONG)) == said
    assert decided({SONG: [first]}) == {} and decided({SONG: [first, second]}) == {SONG: True}
    third = add_edit(tmp_path, SONG, "song", second.id, UNDO, {})
    assert by_stage(edits_of(tmp_path, SONG)) == {"align": TIMED} and last_id([third]) == third.id
    for kind, value, why in REFUSED:
        with pytest.raises(ValueError, match=why):
            add_edit(tmp_path, SONG, "song", third.id, kind, value)
    with pytest.raises(ValueError, match="no sha256"):
        add_edit(tmp_path, "../" * 20, "song", FIRST, UNDO, {})
    assert not list(damaged_edits(tmp_path)) and len(list(folder.iterdir())) == 3
    whole = (folder / first.name).read_bytes()
    for damage in (whole.replace(b"2.5", b"2.6"), whole[:40], b"[" * 100_000, b"{}", None):
        (folder / first.name).unlink()
        if damage is not None:
            (folder / first.name).write_bytes(damage)
        assert [path for path, _ in damaged_edits(tmp_path)] == [folder], damage
        (folder / first.name).write_bytes(whole)
