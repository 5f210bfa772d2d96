"""Times of lines are checked before they bind: shifted, set aside line by line or altogether, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.models.aligner import Line, build_aligner
from tasks.times.line_times import Aligned, align_within, shifted, without
from tasks.toy.performance import Performance, perform
from tests.every import every
from tests.tasks.models.sung import said, scores, separate, with_four_choruses

ALIGNER = build_aligner(load_params().models.aligner)
SCORES = [
    *scores()[:2],
    with_four_choruses("folk"),
    *scores()[2:4],
    *map(with_four_choruses, ("pop", "rock", "ballad")),
]
FEW = range(3)
END_S = 100.0
WORDS = [Word(text, 10.0 * number, 10.0 * number + 5.0, score=0.9) for number, text in enumerate("abcdef", 1)]


@cache
def heard(number: int) -> tuple[Performance, np.ndarray]:
    song = perform(SCORES[number])
    return song, separate(song.mix_CN)


class Asks:
    """Words that lie where they lie: lines they are not in score badly, and no line leaves no room."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Line] | None] = []

    def __call__(self, lines: Sequence[Line] | None) -> list[Word]:
        self.asked.append(lines)
        words = list(WORDS)
        for line in lines or ():
            for place in range(line.first, line.last + 1):
                if not line.start_s - 0.3 <= WORDS[place].start_s <= line.end_s + 0.3:
                    words[place] = Word(
                        WORDS[place].text, max(0.0, line.start_s - 0.3), line.end_s, score=0.1
                    )
        return words


def lines(*starts_s: float) -> list[Line]:
    """A line a word, each until the next one."""
    ends_s = [*starts_s[1:], END_S]
    return [
        Line(i, i, start_s, end_s) for i, (start_s, end_s) in enumerate(zip(starts_s, ends_s, strict=True))
    ]


def within(asks: Asks, given: Sequence[Line]) -> Aligned:
    return align_within(asks, "abcdef", given, END_S, 0.15)


def test_lines_that_start_where_they_say_bind_as_they_are_and_cost_nothing_more() -> None:
    asks, given = Asks(), lines(10.1, 20.0, 30.0, 39.9, 50.0, 60.0)
    assert within(asks, given) == Aligned(WORDS)
    assert asks.asked == [given]


def test_lines_that_scatter_by_hand_bind_as_they_are() -> None:
    found = within(Asks(), lines(10.2, 19.8, 30.0, 39.9, 50.2, 60.0))
    assert (found.offset_s, found.remark) == (None, None)


def test_most_lines_in_their_places_outweigh_the_scores_of_words_that_nobody_sings() -> None:
    given = lines(10.0, 20.2, 30.0, 40.0, 50.0, 60.0)
    unsung = {2: 0.1, 3: 0.2}  # squeezed into their lines; free they find something like them elsewhere

    def align(among: Sequence[Line] | None) -> list[Word]:
        scores = unsung if among else {}
        return [replace(word, score=scores.get(place, 0.9)) for place, word in enumerate(WORDS)]

    found = align_within(align, "abcdef", given, END_S, 0.15)
    assert [word.score for word in found.words] == [0.9, 0.9, 0.1, 0.2, 0.9, 0.9] and found.remark is None


@every("late_s", [3.0, 0.5, -0.8, -8.0])
def test_lines_that_are_all_off_by_a_constant_are_shifted_and_told(late_s: float) -> None:
    asks = Asks()
    found = within(asks, lines(*(word.start_s + late_s for word in WORDS)))
    assert found.words == WORDS and found.offset_s == pytest.approx(late_s)
    assert (
        found.remark
        == f"lines are {abs(late_s):.{1 if abs(late_s) > 1 else 2}f} s {'late' if late_s > 0 else 'early'}, shifted"
    )
    assert [line.start_s for line in asks.asked[-1] or ()] == pytest.approx([word.start_s for word in WORDS])


def test_a_line_that_fits_nowhere_costs_a_line() -> None:
    asks = Asks()
    found = within(asks, lines(13.0, 23.0, 33.0, 46.0, 53.0, 63.0))
    assert found.words == WORDS and found.offset_s == pytest.approx(3.0)
    assert (
        found.remark
        == "lines are 3.0 s late, shifted; the times of 1 of 6 lines fit nowhere and are set aside"
    )
    assert [line.first for line in asks.asked[-1] or ()] == [0, 1, 2, 4, 5]


def test_lines_that_fit_nowhere_are_set_aside_and_told() -> None:
    found = within(Asks(), lines(12.0, 14.0, 44.0, 61.0, 77.0, 90.0))
    assert found == Aligned(WORDS, None, "the times of lines fit nowhere and are set aside")


def test_times_cut_at_the_songs_edges_bound_no_more_than_they_say() -> None:
    early = [Line(0, 0, 0.0, 0.0), Line(1, 1, 0.0, 17.0), Line(2, 2, 17.0, END_S)]
    assert shifted(early, -3.0, END_S) == [
        Line(0, 0, 0.0, 3.0),
        Line(1, 1, 0.0, 20.0),
        Line(2, 2, 20.0, END_S),
    ]
    late = [Line(0, 0, 13.0, END_S), Line(1, 1, END_S, END_S)]
    assert shifted(late, 3.0, END_S) == [Line(0, 0, 10.0, END_S), Line(1, 1, 97.0, END_S)]


def test_the_line_before_one_that_goes_lasts_as_long_as_both() -> None:
    assert without(lines(10.0, 20.0, 30.0), [False, True, False]) == [
        Line(0, 0, 10.0, 30.0),
        Line(2, 2, 30.0, END_S),
    ]


def test_lines_without_room_are_no_reason_to_lose_the_song() -> None:
    def align(lines: Sequence[Line] | None) -> list[Word]:
        if lines is not None:
            raise Refused("line_times", "no room")
        return WORDS

    found = align_within(align, "abcdef", lines(1.0, 1.0, 1.0, 1.0, 1.0, 1.0), END_S, 0.15)
    assert found.words == WORDS and found.remark == "the times of lines fit nowhere and are set aside"


def test_a_song_too_long_to_check_keeps_its_lines_and_says_so() -> None:
    def align(lines: Sequence[Line] | None) -> list[Word]:
        if lines is None:
            raise Refused("too_many_words", "600 MB")
        return WORDS

    given = lines(12.0, 22.0, 32.0, 42.0, 52.0, 62.0)
    assert "could not be checked" in (align_within(align, "abcdef", given, END_S, 0.15).remark or "")
    with pytest.raises(Refused, match="600 MB"):
        align_within(lambda lines: align(None), "abcdef", given, END_S, 0.15)


def laid(number: int, late_s: float, gone: Sequence[int] = ()) -> tuple[Aligned, np.ndarray]:
    """A toy song aligned with lines that are late and of which some are not written, and how far its starts are off."""
    score, (song, vocals_N) = SCORES[number], heard(number)
    written = [line for place, line in enumerate(score.lines) if place not in gone]
    words = [word for first, last in written for word in song.words[first:last]]
    starts_s = [min(max(0.0, song.words[first].start_s + late_s), score.duration_s) for first, _ in written]
    edges = np.cumsum([0, *(last - first for first, last in written)])
    given = [
        Line(int(first), int(last) - 1, start_s, end_s)
        for (first, last), start_s, end_s in zip(
            pairwise(edges), starts_s, [*starts_s[1:], score.duration_s], strict=True
        )
    ]
    pronounced = said([word.text for word in words])
    found = align_within(
        lambda lines: ALIGNER.align(vocals_N, pronounced, lines),
        [word.text for word in words],
        given,
        score.duration_s,
        0.15,
    )
    pairs = zip(found.words, words, strict=True)
    return found, np.array([abs(word.start_s - true.start_s) for word, true in pairs])


@pytest.mark.parametrize("late_s", [-3.0, -0.8, -0.5, 0.5, 0.8, 3.0])
@pytest.mark.parametrize("numbers", [FEW, pytest.param(range(len(SCORES)), marks=pytest.mark.slow)], ids=len)
def test_words_of_toy_songs_are_found_whatever_their_lines_are_off_by(numbers: range, late_s: float) -> None:
    found = [laid(number, late_s) for number in numbers]
    assert [aligned.offset_s for aligned, _ in found] == pytest.approx([late_s] * len(numbers), abs=0.05)
    assert np.percentile(np.concatenate([off_W for _, off_W in found]), 95) < 0.04


@pytest.mark.parametrize("late_s", [0.0, 3.0])
def test_a_chorus_that_is_sung_and_not_written_is_told_apart_by_the_lines(late_s: float) -> None:
    found, off_W = laid(2, late_s, gone=(9, 10))
    assert (found.offset_s or 0.0) == pytest.approx(late_s, abs=0.05)
    assert np.percentile(off_W, 95) < 0.04
    song, vocals_N = heard(2)
    first, last = SCORES[2].lines[9][0], SCORES[2].lines[10][1]
    words = [word for place, word in enumerate(song.words) if not first <= place < last]
    free = ALIGNER.align(vocals_N, said([word.text for word in words]))
    assert max(abs(word.start_s - true.start_s) for word, true in zip(free, words, strict=True)) > 3.0
