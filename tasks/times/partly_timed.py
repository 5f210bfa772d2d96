"""Words of which some have a time: those keep it, the others get their place between them, by the aligned ones (`with_all_times`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from jam_model.words import Word

MIN_WORD_S = 0.03
"""A word without a time of its own lasts at least so long, where there is room."""


def with_all_times(given: Sequence[Word | None], aligned: Sequence[Word], duration_s: float) -> list[Word]:
    """Every word with a start and an end, in order; scores are the aligner's.

    A start that is given, and an end, stays. An end that is not (inf) is the aligner's, cut where the next word
    starts. A word without a time is where the aligner places it, moved between the given times beside it where it
    must be.
    """
    if not any(given):
        return list(aligned)
    words: list[Word] = []
    for is_given, run in groupby(range(len(given)), key=lambda place: given[place] is not None):
        places = list(run)
        if is_given:
            words += [_with_end(given, aligned, place, duration_s) for place in places]
            continue
        _, later_s = _next(given, places[-1], duration_s)
        earlier_s = min(words[-1].end_s, later_s) if words else 0.0
        words += _between([aligned[place] for place in places], earlier_s, later_s)
    return words


def _next(given: Sequence[Word | None], place: int, duration_s: float) -> tuple[int, float]:
    """How many words without a time follow a word, and where the next one that has one starts."""
    for later in range(place + 1, len(given)):
        if (word := given[later]) is not None:
            return later - place - 1, word.start_s
    return len(given) - place - 1, duration_s


def _with_end(given: Sequence[Word | None], aligned: Sequence[Word], place: int, duration_s: float) -> Word:
    word, found = given[place], aligned[place]
    assert word is not None
    if not math.isinf(word.end_s):
        return replace(word, score=found.score)
    num_behind, next_s = _next(given, place, duration_s)
    latest_s = max(
        next_s - num_behind * MIN_WORD_S, word.start_s + (next_s - word.start_s) / (num_behind + 1)
    )
    length_s = max(found.end_s - found.start_s, MIN_WORD_S)
    end_s = found.end_s if found.end_s >= word.start_s + MIN_WORD_S else word.start_s + length_s
    return replace(word, end_s=max(word.start_s, min(end_s, latest_s)), score=found.score)


def _between(aligned: Sequence[Word], earlier_s: float, later_s: float) -> list[Word]:
    """The words in [earlier_s, later_s], each as near to its place as those beside it let it be."""
    least_s = min(MIN_WORD_S, (later_s - earlier_s) / len(aligned))
    starts_s: list[float] = []
    ends_s: list[float] = []
    for word in aligned:
        starts_s.append(max(word.start_s, ends_s[-1] if ends_s else earlier_s))
        ends_s.append(max(word.end_s, starts_s[-1] + least_s))
    for place in reversed(range(len(aligned))):
        ends_s[place] = min(ends_s[place], starts_s[place + 1] if place + 1 < len(aligned) else later_s)
        starts_s[place] = max(earlier_s, min(starts_s[place], ends_s[place] - least_s))
    return [
        replace(word, start_s=start_s, end_s=max(start_s, end_s))
        for word, start_s, end_s in zip(aligned, starts_s, ends_s, strict=True)
    ]
