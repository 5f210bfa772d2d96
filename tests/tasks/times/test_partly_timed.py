"""Words with times keep them; the others get a place between them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from jam_model.words import Word
from tasks.times.partly_timed import with_all_times
from tests.every import every

ALIGNED = [Word(text, float(i), i + 0.8, score=0.5) for i, text in enumerate("abcde", 1)]


def times(
    given: list[Word | None], aligned: list[Word] = ALIGNED, duration_s: float = 10.0
) -> list[tuple[float, float]]:
    words = with_all_times(given, aligned, duration_s)
    assert [(word.text, word.score) for word in words] == [(word.text, word.score) for word in aligned]
    return [(round(word.start_s, 6), round(word.end_s, 6)) for word in words]


def test_given_times_stay_to_the_bit_even_where_they_overlap() -> None:
    given = [Word(word.text, word.start_s + 0.1, word.start_s + 1.3) for word in ALIGNED]
    assert times([*given]) == [(round(word.start_s, 6), round(word.end_s, 6)) for word in given]


def test_words_without_times_are_where_the_aligner_places_them() -> None:
    assert times([None, Word("b", 2.1, 2.5), None, None, Word("e", 5.0, 6.0)]) == [
        (1.0, 1.8), (2.1, 2.5), (3.0, 3.8), (4.0, 4.8), (5.0, 6.0)
    ]  # fmt: skip
    assert with_all_times([None] * 5, ALIGNED, 3.0) == ALIGNED, "nothing is given, nothing moves"


def test_they_are_moved_between_the_given_times_beside_them() -> None:
    assert times([Word("a", 1.0, 2.2), None, Word("c", 2.5, 3.8), None, Word("e", 4.02, 5.0)]) == [
        (1.0, 2.2), (2.2, 2.5), (2.5, 3.8), (3.99, 4.02), (4.02, 5.0)
    ]  # fmt: skip
    late = times([None, None, Word("c", 1.0, 1.5), Word("d", 8.0, 9.9), None])
    assert late == [(0.2, 0.97), (0.97, 1.0), (1.0, 1.5), (8.0, 9.9), (9.9, 10.0)] or late[1][1] <= 1.0


def test_an_end_that_is_not_stated_is_the_aligners_cut_at_the_next_start() -> None:
    given = [
        Word(word.text, word.start_s + late, math.inf)
        for word, late in zip(ALIGNED, (0, 0.3, -0.4, 0, 0), strict=True)
    ]
    assert times([*given]) == [(1.0, 1.8), (2.3, 2.6), (2.6, 3.8), (4.0, 4.8), (5.0, 5.8)]
    assert times([Word("a", 1.9, math.inf), *ALIGNED[1:]])[0] == (1.9, 2.0), (
        "behind the aligner's end: its length"
    )


def test_an_end_that_is_not_stated_leaves_room_for_the_words_behind_it() -> None:
    (a, b, *_) = times([Word("a", 1.0, math.inf), None, Word("c", 1.5, 2.0), None, None])
    assert a == (1.0, 1.47) and b == (1.47, 1.5)
    (a, b, *_) = times([Word("a", 1.0, math.inf), None, Word("c", 1.02, 2.0), None, None])
    assert a == (1.0, 1.01) and b == (1.01, 1.02)


@every("seed", range(20))
def test_whatever_is_given_words_stay_in_order_without_overlap_and_last(
    seed: int,
) -> None:
    draw = np.random.default_rng(seed)
    edges_s = np.sort(draw.uniform(0, 30, 40))
    aligned = [Word(str(i), *edges_s[2 * i : 2 * i + 2], score=0.5) for i in range(20)]
    edges_s = np.sort(draw.uniform(0, 30, 40))
    given = [
        None
        if draw.random() < 0.5
        else Word(str(i), edges_s[2 * i], math.inf if draw.random() < 0.3 else edges_s[2 * i + 1])
        for i in range(20)
    ]
    words = with_all_times(given, aligned, 30.0)
    assert all(before.end_s <= after.start_s for before, after in pairwise(words))
    assert all(word.start_s == kept.start_s for word, kept in zip(words, given, strict=True) if kept)
    assert words[-1].end_s <= 30.0 and words[0].start_s >= 0.0
    assert all(word.start_s < word.end_s for word in words)
