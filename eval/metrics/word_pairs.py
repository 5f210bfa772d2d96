"""Which word of the hypothesis stands opposite which of the reference, by cheapest edits, when both have times (hit, missed, inserted).

Of the alignments with the fewest edits (those that `count_errors` counts) the one with the most hits is taken, and of
these the one whose hits are nearest in time, in whole milliseconds: among repeated words the edits alone do not say
which was left out, and an aligner that always says "the last" moves every other word to its neighbour. Hits come before
times, else a word would be called missed because it is late.
Legend: N reference words, M hypothesis words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Mark = Literal["hit", "substituted", "missed", "inserted"]


@dataclass(frozen=True)
class Timed:
    """A word with its times in seconds, as it is compared."""

    word: str
    start_s: float
    end_s: float


def matched_pairs(reference: Sequence[Timed], hypothesis: Sequence[Timed]) -> list[tuple[int, int, Mark]]:
    """(position in the reference, in the hypothesis, "hit" or "substituted") of words that stand opposite each other.

    Words are compared as they stand: normalise both sides first (eval.metrics.error_rates.normalise, word by word).
    """
    equal_NM = np.array([[a.word == b.word for b in hypothesis] for a in reference], bool)
    equal_NM = equal_NM.reshape(len(reference), len(hypothesis))
    starts_N, starts_M = (
        np.array([word.start_s for word in side], float) for side in (reference, hypothesis)
    )
    apart_NM = np.round(1000 * np.abs(starts_N[:, None] - starts_M)).astype(np.int64)
    hit = 1 + int(apart_NM.max(axis=1, initial=0).sum())  # more than all hits' times together
    edit = hit * (1 + min(equal_NM.shape))  # more than all hits together
    opposite_NM = np.where(equal_NM, apart_NM - hit, edit)
    cost = _costs(opposite_NM, edit)
    pairs: list[tuple[int, int, Mark]] = []
    i, j = equal_NM.shape
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + opposite_NM[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j, "hit" if equal_NM[i, j] else "substituted"))
        elif cost[i, j] == cost[i - 1, j] + edit:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def mark_words(reference: Sequence[Timed], hypothesis: Sequence[Timed]) -> tuple[list[Mark], list[Mark]]:
    """The fate of every word of the reference (hit, substituted, missed) and hypothesis (hit, substituted, inserted)."""
    marks: tuple[list[Mark], list[Mark]] = ["missed"] * len(reference), ["inserted"] * len(hypothesis)
    for i, j, mark in matched_pairs(reference, hypothesis):
        marks[0][i] = marks[1][j] = mark
    return marks


def _costs(opposite_NM: np.ndarray, edit: int) -> np.ndarray:
    """The least cost of the first i words against the first j, [N + 1, M + 1]; a word left out costs an edit."""
    left_out = edit * np.arange(opposite_NM.shape[1] + 1)
    cost = np.empty((len(opposite_NM) + 1, len(left_out)), np.int64)
    cost[0] = left_out
    for i, opposite_M in enumerate(opposite_NM):
        row = cost[i] + edit
        row[1:] = np.minimum(row[1:], cost[i, :-1] + opposite_M)
        cost[i + 1] = np.minimum.accumulate(row - left_out) + left_out  # words of the hypothesis left out
    return cost
