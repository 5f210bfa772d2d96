"""What most lines agree on is by how much all of them are off."""

from __future__ import annotations

import pytest

from tasks.times.time_offsets import lateness, likely_offsets

TEXTS = ["a", "chorus", "b", "chorus", "c", "chorus"]
STARTS_S = [2.0, 10.0, 20.0, 30.0, 40.0, 50.0]


def test_the_offset_that_most_share_is_the_likeliest() -> None:
    given_s = [start_s + late_s for start_s, late_s in zip(STARTS_S, (3, 3.1, 2.9, 3, -7, 3), strict=True)]
    assert likely_offsets(TEXTS, given_s, STARTS_S, 0.3)[0] == pytest.approx(3.0, abs=0.05)


def test_lines_of_a_chorus_that_were_found_in_another_one_do_not_hide_the_offset() -> None:
    found_s = [2.0, 30.0, 20.0, 50.0, 40.0, 70.0]
    given_s = [start_s - 0.8 for start_s in STARTS_S]
    assert likely_offsets(TEXTS, given_s, found_s, 0.3)[0] == pytest.approx(-0.8)


def test_of_equals_the_smaller_is_first_and_what_has_no_time_or_place_says_nothing() -> None:
    assert likely_offsets(["a", "b"], [5.0, 9.0], [4.0, 11.0], 0.3) == pytest.approx([1.0, -2.0])
    assert likely_offsets(["a", "b"], [None, 9.0], [4.0, None], 0.3) == []


def test_a_text_sung_a_thousand_times_is_no_work() -> None:
    starts_s = [float(number) for number in range(1000)]
    given_s = [start_s + 0.25 for start_s in starts_s]
    assert likely_offsets(["la"] * 1000, given_s, starts_s, 0.1)[0] == pytest.approx(0.25)


def test_an_offset_in_words() -> None:
    assert [lateness(offset_s) for offset_s in (3.0, -0.8, 0.06)] == [
        "3.0 s late",
        "0.80 s early",
        "0.06 s late",
    ]
