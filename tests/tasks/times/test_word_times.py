"""Times of words are checked before they are kept: shifted, set aside run by run or altogether, and told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from jam_model.words import Word
from tasks.models.aligner import Line
from tasks.times.word_times import SET_ASIDE, Checked, check_words
from tests.every import every

DURATION_S = 40.0
FREE = [Word(f"w{number % 7}", 2.0 * number, 2.0 * number + 1.0, score=0.9) for number in range(1, 16)]
TRUE = [replace(word, score=None) for word in FREE]


class Hears:
    """An aligner that hears every word in one place alone, and scores it badly where it may not be there."""

    def __init__(self, score: float = 0.1) -> None:
        self.score, self.calls = score, 0

    def __call__(self, lines: Sequence[Line] | None) -> list[Word]:
        self.calls += 1
        words = list(FREE)
        for line in lines or ():
            if abs(words[line.first].start_s - line.start_s) > 0.3:
                words[line.first] = replace(
                    words[line.first], start_s=line.start_s, end_s=line.end_s, score=self.score
                )
        return words


def moved(late_s: float) -> list[Word]:
    cut = [(max(0.0, word.start_s + late_s), max(0.0, word.end_s + late_s)) for word in TRUE]
    return [Word(word.text, *times).within(DURATION_S) for word, times in zip(TRUE, cut, strict=True)]


def checked(given: Sequence[Word | None], hears: Hears | None = None) -> Checked:
    return check_words(hears or Hears(), given, FREE, DURATION_S, 0.04, 0.3)


def test_times_that_are_right_are_kept_as_they_are_and_cost_nothing_more() -> None:
    hears, given = Hears(), moved(0.03)
    assert checked(given, hears) == Checked(list(given), FREE)
    assert hears.calls == 0


@every("late_s", [0.08, 0.5, 3.0, -0.5])
def test_times_that_are_all_off_by_a_constant_are_shifted_and_told(late_s: float) -> None:
    found = checked(moved(late_s))
    assert found.offset_s == pytest.approx(late_s)
    assert found.remark and found.remark.startswith("words are ") and found.remark.endswith("shifted")
    assert [word and (word.start_s, word.end_s) for word in found.given] == [
        pytest.approx((word.start_s, word.end_s)) for word in TRUE
    ]


def test_a_time_that_was_cut_at_the_songs_edge_is_none() -> None:
    found = checked(moved(-5.0))
    assert found.given[:2] == [None, None] and None not in found.given[2:]
    assert found.remark == (
        "words are 5.0 s early, shifted; the times of 2 of 15 words fit nowhere and are set aside"
    )
    assert checked(moved(100.0)).given == [None] * len(TRUE)


def test_a_word_that_starts_with_the_song_keeps_its_time_though_the_offset_is_rounded() -> None:
    free = [Word("w0", 0.01, 0.6, score=0.9), *FREE]
    given = [Word("w0", 0.49, 1.1), *moved(0.5)]
    (first, *_) = check_words(Hears(), given, free, DURATION_S, 0.04, 0.3).given
    assert first and (first.start_s, first.end_s) == (0.0, pytest.approx(0.6))


def test_times_that_fit_nowhere_are_set_aside_and_told() -> None:
    scattered = [Word(word.text, 20.0 + 0.9 * place, 20.5 + 0.9 * place) for place, word in enumerate(TRUE)]
    found = checked(scattered)
    assert (found.given, found.aligned, found.remark) == ([None] * len(TRUE), FREE, SET_ASIDE)


def test_times_that_scatter_stay_where_the_aligner_cannot_tell_better() -> None:
    scattered = [Word(word.text, 2.0 + 1.5 * place, 2.5 + 1.5 * place) for place, word in enumerate(TRUE)]
    found = checked(scattered, Hears(score=0.9))
    assert found.given == scattered and found.aligned != FREE, "`check` holds them against where they fit"


def test_a_run_of_words_that_is_found_elsewhere_loses_its_times_alone() -> None:
    given: list[Word | None] = [*TRUE]
    given[4:6] = [Word(word.text, word.start_s + 0.9, word.end_s + 0.9) for word in TRUE[4:6]]
    found = checked(given)
    assert [place for place, word in enumerate(found.given) if word is None] == [4, 5]
    assert found.remark == "the times of 2 of 15 words fit nowhere and are set aside"
    assert checked(given, Hears(score=0.9)).given == given, "both fit: the given ones are kept"


def test_words_without_times_say_nothing_and_lose_nothing() -> None:
    given = [word if place % 3 == 0 else None for place, word in enumerate(moved(0.5))]
    found = checked(given)
    assert found.offset_s == pytest.approx(0.5)
    assert [word is None for word in found.given] == [word is None for word in given]
    assert checked([None] * len(TRUE)) == Checked([None] * len(TRUE), FREE)


def test_an_end_at_its_start_is_not_stated() -> None:
    given = [replace(word, end_s=word.start_s) for word in TRUE]
    assert all(word and math.isinf(word.end_s) for word in checked(given).given)
