"""Times that a language model wrote: each of 400 damaged files is repaired and counted, or refused in one line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tasks.engine.song import Refused
from tasks.times.repaired_times import LEAST_WORD_S, RepairedTimes, repaired_times

WORDS = ("moon", "light", "over", "me", "and", "you", "never", "tomorrow", "gold", "river", "don't", "stay")
Rows = list[dict[str, Any]]


def song(random: np.random.Generator) -> tuple[Rows, float]:
    """12 to 60 words in order, and the length of their song."""
    steps_s = random.uniform(0.1, 0.9, (int(random.integers(12, 61)), 2))
    bounds_s = np.round(np.cumsum(steps_s.ravel()), 3)
    texts = random.choice(WORDS, len(steps_s))
    rows = [
        {"word": str(text), "start": float(bounds_s[2 * n]), "end": float(bounds_s[2 * n + 1])}
        for n, text in enumerate(texts)
    ]
    return rows, float(bounds_s[-1] + 3)


def _some(rows: Rows, random: np.random.Generator, share: float = 0.2) -> Rows:
    """Some of the rows, at least one."""
    count = max(1, int(share * len(rows)))
    return [rows[int(n)] for n in random.choice(len(rows), count, replace=False)]


def lost(rows: Rows, random: np.random.Generator) -> Rows:
    gone = {id(row) for row in _some(rows, random)}
    return [row for row in rows if id(row) not in gone]


def backwards(rows: Rows, random: np.random.Generator) -> Rows:
    return rows[::-1]


def late_ends(rows: Rows, random: np.random.Generator) -> Rows:
    for row in _some(rows[:-1], random):
        row["end"] += 1.5
    return rows


def texts(rows: Rows, random: np.random.Generator) -> Rows:
    for row in rows:
        seconds = row["start"]
        forms = (f"{seconds:.2f}s", f"{int(seconds // 60)}:{seconds % 60:06.3f}", "about a second")
        row["start"] = forms[int(random.integers(3 if random.random() < 0.1 else 2))]
    return rows


def minutes(rows: Rows, random: np.random.Generator) -> Rows:
    return [{**row, "start": row["start"] / 60, "end": row["end"] / 60} for row in rows]


def milliseconds(rows: Rows, random: np.random.Generator) -> Rows:
    return [{**row, "start": int(1000 * row["start"]), "end": int(1000 * row["end"])} for row in rows]


def swapped(rows: Rows, random: np.random.Generator) -> Rows:
    for row in _some(rows, random):
        row["start"], row["end"] = row["end"], row["start"]
    return rows


def stretched(rows: Rows, random: np.random.Generator) -> Rows:
    return [{**row, "start": 3 * row["start"], "end": 3 * row["end"]} for row in rows]


def odd_values(rows: Rows, random: np.random.Generator) -> Rows:
    for row in _some(rows, random):
        values = (None, -1, True, float("nan"), float("inf"), [], {}, "")
        row[str(random.choice(["start", "end"]))] = values[int(random.integers(len(values)))]
    return rows


def spoken_over(rows: Rows, random: np.random.Generator) -> Rows:
    where = int(random.integers(len(rows)))
    return [*rows[:where], {"word": "[Instrumental]", "start": 1.0, "end": 2.0}, *rows[where:]]


def respelt(rows: Rows, random: np.random.Generator) -> Rows:
    for row in _some(rows, random, 0.1):
        row["word"] = row["word"].upper() + "x"
    return rows


def half(rows: Rows, random: np.random.Generator) -> Rows:
    return rows[: len(rows) // 3]


def all_at_once(rows: Rows, random: np.random.Generator) -> Rows:
    return [{**row, "start": 1.0, "end": 1.0} for row in rows]


FAULTS: tuple[Callable[[Rows, np.random.Generator], Rows], ...] = (
    *(lost, backwards, late_ends, texts, minutes, milliseconds, swapped, stretched, odd_values),
    *(spoken_over, respelt, half, all_at_once),
)


def as_written(rows: Rows, random: np.random.Generator) -> str:
    """As models answer: bare, in an object, in a fence, within prose, or cut off."""
    bare = json.dumps(rows)
    forms = (
        bare,
        json.dumps({"lyrics": {"words": rows}}),
        f"```json\n{bare}\n```",
        f"Here you are:\n{bare}\nEnjoy!",
    )
    return bare[: len(bare) // 2] if random.random() < 0.05 else forms[int(random.integers(len(forms)))]


def check(asked: list[str], found: RepairedTimes, duration_s: float) -> None:
    assert [word.text for word in found.words] == asked
    assert found.words[0].start_s >= 0 and found.words[-1].end_s <= duration_s + 1e-9
    assert all(word.end_s - word.start_s > 0.5 * LEAST_WORD_S for word in found.words)
    assert all(after.start_s >= before.end_s - 1e-9 for before, after in pairwise(found.words))


def test_a_good_file_comes_through_unchanged_and_400_damaged_ones_are_repaired_and_counted_or_refused() -> (
    None
):
    random, ends = np.random.default_rng(20), Counter[str]()
    for number in range(400):
        rows, duration_s = song(random)
        asked = [row["word"] for row in rows]
        good = repaired_times(asked, json.dumps({"word": rows}), duration_s)
        assert not good.repairs, number
        assert [(word.start_s, word.end_s) for word in good.words] == [(r["start"], r["end"]) for r in rows]
        for _ in range(int(random.integers(1, 4))):
            fault = FAULTS[int(random.integers(len(FAULTS)))]
            try:
                rows = fault(rows, random)
            except (TypeError, ValueError):  # a fault of numbers upon times that are none by now
                continue
        text = as_written(rows, random)
        try:
            found = repaired_times(asked, text, duration_s)
        except Refused as error:
            assert error.reason in ("times_malformed", "times_missing") and "\n" not in str(error), number
            ends["refused"] += 1
        else:
            check(asked, found, duration_s)
            as_it_stands = [(word.start_s, word.end_s) for word in found.words]
            is_good = as_it_stands == [(row["start"], row["end"]) for row in rows]  # two faults may make one
            assert (is_good or found.repairs) and all(count > 0 for count in found.repairs.values()), number
            ends["repaired"] += 1
    assert ends.total() == 400 and min(ends.values()) > 20, ends
    for text in ("", "I cannot do that.", "[]", '{"words": 3}', "[" * 5000, json.dumps(["moon", 1, 2])):
        with pytest.raises(Refused, match="times_malformed"):
            repaired_times(["moon"], text, 10.0)
