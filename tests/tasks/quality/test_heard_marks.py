"""Which written tokens were heard, on sequences where the gap can be told by eye."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.quality import heard_marks as module
from tasks.quality.heard_marks import EXTENDED, HIT, OPENED, SUBSTITUTED, heard_marks
from tests.every import every


def marked(written: str, heard: str) -> str:
    marks = heard_marks(list(written), list(heard))
    assert marks is not None
    return "".join(letter if mark else "." for letter, mark in zip(written, marks, strict=True))


@every(
    ("written", "heard", "kept"),
    [
        ("abcdef", "abcdef", "abcdef"),
        ("abcdef", "abcxef", "abc.ef"),
        ("abcXYZdef", "abcdef", "abc...def"),
        ("abcdef", "abcXYZdef", "abcdef"),
        ("abc", "", "..."),
        ("", "abc", ""),
        ("XYabc", "abc", "..abc"),
        ("abcXY", "abc", "abc.."),
        ("abcdeabcdefgh", "abcdefgh", ".....abcdefgh"),
    ],
)
def test_what_is_not_heard_is_one_gap(written: str, heard: str, kept: str) -> None:
    assert marked(written, heard) == kept


def test_a_line_written_three_times_and_sung_twice_leaves_one_gap_although_phones_are_misheard() -> None:
    line = "lavmituenda"
    heard = list(line * 2)
    heard[4], heard[15] = "x", "x"
    kept = marked("gorst" + line * 3 + "filku", "gorst" + "".join(heard) + "filku")
    assert kept.startswith("gorst") and kept.endswith("filku")
    assert "." * len(line) in kept and kept.replace("." * len(line), "", 1).count(".") == 2


def test_the_way_taken_is_the_best_there_is() -> None:
    def best(a: str, b: str) -> float:
        """By the textbook recursion."""
        states = {(0, 0, 0): 0.0}
        for i in range(len(a) + 1):
            for j in range(len(b) + 1):
                for gap in range(3):
                    here = states.get((i, j, gap), -np.inf)
                    steps = [(i + 1, j + 1, 0, HIT if a[i : i + 1] == b[j : j + 1] else SUBSTITUTED)]
                    steps += [(i + 1, j, 1, EXTENDED + (0 if gap == 1 else OPENED))]
                    steps += [(i, j + 1, 2, EXTENDED + (0 if gap == 2 else OPENED))]
                    for *place, cost in steps:
                        states[tuple(place)] = max(states.get(tuple(place), -np.inf), here + cost)  # type: ignore[index, arg-type]
        return max(states.get((len(a), len(b), gap), -np.inf) for gap in range(3))

    draw = np.random.default_rng(3)
    for _ in range(60):
        a, b = ("".join(draw.choice(list("abc"), draw.integers(1, 9))) for _ in range(2))
        marks = heard_marks(list(a), list(b))
        assert marks is not None and sum(marks) * HIT >= best(a, b), (a, b)


def test_songs_too_long_to_compare_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CELLS", 8)
    assert heard_marks(["a"] * 3, ["a"] * 3) is None and heard_marks(["a"] * 2, ["a"] * 4) is not None
