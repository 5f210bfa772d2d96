"""Whether two systems differ by more than chance on the same songs: paired permutation, Holm, and power.

If two systems were equal, which of them sang which take of a song would be a throw of a coin. So the songs'
takes change sides at random, and the p-value is the share of such tables whose difference is at least as far
out as the one seen. Nothing is assumed about how scores are distributed. With few songs all ways are gone
through; else the table seen counts as one of the drawn, so that no p-value is 0.
Legend: B resamples, N songs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from eval.intervals import LEVEL, Resampling, Scores, complete_columns, ratio

POWER = 0.8
_TIE = 1e-9  # of the largest difference: equal up to rounding counts as equally far out

Alternative = Literal["two-sided", "greater", "less"]
"""What is claimed of the difference left minus right, against the margin."""


def paired_p_value(
    scores: Scores,
    others: Scores,
    resampling: Resampling,
    alternative: Alternative = "two-sided",
    margin: float = 0.0,
) -> float | None:
    """P-value of: the mean of `scores` minus the mean of `others` is `margin`.

    Only songs that both have are used; None without any. One-sided with a margin it answers "better by more
    than", and with the margin on the other side of 0 "not worse by more than".
    """
    (scores_N, others_N), _ = complete_columns(scores, others)
    differences_N = scores_N - others_N - margin

    def difference(swaps_BN: np.ndarray) -> np.ndarray:
        return differences_N.mean() - 2 * (swaps_BN @ differences_N) / len(differences_N)

    return swap_p_value(difference, len(differences_N), resampling, alternative)


def paired_rate_p_value(
    numerators: Scores,
    denominators: Scores,
    other_numerators: Scores,
    other_denominators: Scores,
    resampling: Resampling,
    alternative: Alternative = "two-sided",
    margin: float = 0.0,
) -> float | None:
    """P-value of: the rate (sum over sum) of the first minus the rate of the other is `margin`."""
    (left_N, left_of_N, right_N, right_of_N), _ = complete_columns(
        numerators, denominators, other_numerators, other_denominators
    )
    left_N = left_N - margin * left_of_N
    steps_N2 = np.stack([right_N - left_N, right_of_N - left_of_N], axis=1)
    left_2, right_2 = (np.array([a.sum(), b.sum()]) for a, b in ((left_N, left_of_N), (right_N, right_of_N)))

    def difference(swaps_BN: np.ndarray) -> np.ndarray:
        moved_B2 = swaps_BN @ steps_N2
        lefts_B2, rights_B2 = left_2 + moved_B2, right_2 - moved_B2
        return ratio(lefts_B2[:, 0], lefts_B2[:, 1]) - ratio(rights_B2[:, 0], rights_B2[:, 1])

    return swap_p_value(difference, len(left_N), resampling, alternative)


def swap_p_value(
    difference: Callable[[np.ndarray], np.ndarray],
    num_songs: int,
    resampling: Resampling,
    alternative: Alternative = "two-sided",
) -> float | None:
    """P-value of any difference of two systems: `difference` gives its value for each row of swaps [B, N]."""
    if num_songs == 0:
        return None
    seen = float(difference(np.zeros((1, num_songs), dtype=bool))[0])
    swaps_BN = resampling.swaps_BN(num_songs)
    values_B = difference(swaps_BN)
    if alternative == "two-sided":
        seen, values_B = abs(seen), np.abs(values_B)
    elif alternative == "less":
        seen, values_B = -seen, -values_B
    tie = _TIE * max(abs(seen), float(np.abs(values_B).max()))
    as_far = int((values_B >= seen - tie).sum())
    all_ways = len(swaps_BN) == 2**num_songs
    return as_far / len(values_B) if all_ways else (1 + as_far) / (1 + len(values_B))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """The p-values corrected for being several, in their order; a None is no test and stays None.

    Source: Holm 1979: the k-th smallest of m times m - k + 1, never below one before it, at most 1.
    """
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[i] = largest
    return corrected


def detectable_difference(scores: Scores, others: Scores) -> float | None:
    """The smallest true difference of means that these songs would show 8 times in 10.

    For a two-sided paired test at 5 %, from the spread of the differences seen; None below two songs.
    """
    (scores_N, others_N), _ = complete_columns(scores, others)
    return _detectable(scores_N - others_N)


def detectable_rate_difference(
    numerators: Scores, denominators: Scores, other_numerators: Scores, other_denominators: Scores
) -> float | None:
    """The same for a difference of rates, each song standing with what it adds to the rate (linearised)."""
    (left_N, left_of_N, right_N, right_of_N), _ = complete_columns(
        numerators, denominators, other_numerators, other_denominators
    )
    return _detectable(_parts(left_N, left_of_N) - _parts(right_N, right_of_N))


def _detectable(differences_N: np.ndarray) -> float | None:
    num_songs = len(differences_N)
    if num_songs < 2:
        return None
    reach = sum(float(stdtrit(num_songs - 1, share)) for share in ((1 + LEVEL) / 2, POWER))
    return reach * float(differences_N.std(ddof=1)) / math.sqrt(num_songs)


def _parts(numerators_N: np.ndarray, denominators_N: np.ndarray) -> np.ndarray:
    """What each song adds: its excess over the rate, in units of the mean denominator."""
    if not len(numerators_N) or denominators_N.sum() == 0:
        return numerators_N
    rate = numerators_N.sum() / denominators_N.sum()
    excess_N: np.ndarray = (numerators_N - rate * denominators_N) / denominators_N.mean()
    return excess_N
