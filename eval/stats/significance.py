"""Whether two systems differ by more than chance on the same songs: paired permutation (swaps), one- or two-sided, Holm, power.

If two systems were equal, which of them made which candidate of a song would be a throw of a coin. So the songs'
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

from eval.stats.intervals import LEVEL, Estimate, Resampling, Scores, complete_columns, drawn_swaps_BN, ratio

POWER = 0.8
ENOUGH = 20  # draws as far out as what was seen that end a sequential test
_AT_ONCE = 100  # its draws
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
    swaps_BN = drawn_swaps_BN(resampling, num_songs)
    as_far_B = _as_far(difference, alternative)(swaps_BN)
    all_ways = len(swaps_BN) == 2**num_songs
    return float(as_far_B.mean()) if all_ways else (1 + int(as_far_B.sum())) / (1 + len(as_far_B))


def sequential_p_value(
    difference: Callable[[np.ndarray], np.ndarray], num_songs: int, resampling: Resampling
) -> float | None:
    """`swap_p_value`, two-sided, for a difference that takes long: no further draw once `ENOUGH` were as far out.

    The p-value is then their share of the draws so far. Source: Besag and Clifford 1991.
    """
    swaps_BN = drawn_swaps_BN(resampling, num_songs)
    if num_songs == 0 or len(swaps_BN) == 2**num_songs:
        return swap_p_value(difference, num_songs, resampling)
    as_far = _as_far(difference, "two-sided")
    found = 0
    for first in range(0, len(swaps_BN), _AT_ONCE):
        counts_B = found + np.cumsum(as_far(swaps_BN[first : first + _AT_ONCE]))
        found = int(counts_B[-1])
        if found >= ENOUGH:
            return ENOUGH / (first + 1 + int(np.argmax(counts_B >= ENOUGH)))
    return (1 + found) / (1 + len(swaps_BN))


def _as_far(
    difference: Callable[[np.ndarray], np.ndarray], alternative: Alternative
) -> Callable[[np.ndarray], np.ndarray]:
    """Which rows of swaps [B, N] are at least as far out as none: bool [B]."""
    sided = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]

    def as_far(swaps_BN: np.ndarray) -> np.ndarray:
        seen = float(sided(difference(np.zeros((1, swaps_BN.shape[1]), dtype=bool)))[0])
        values_B = sided(difference(swaps_BN))
        found_B: np.ndarray = values_B >= seen - _TIE * max(abs(seen), float(np.abs(values_B).max()))
        return found_B

    return as_far


def fewest_songs() -> int:
    """With fewer songs no paired two-sided test reaches 5 %, whatever they say: equal systems agree on all N songs with
    probability 2 to the 1 - N.
    """
    return math.ceil(1 - math.log2(1 - LEVEL))


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


def detectable_by_interval(difference: Estimate) -> float | None:
    """The same for any difference, from the width of its interval; None where it has none."""
    from scipy.special import stdtrit

    if difference.low is None or difference.high is None or difference.n < 2:
        return None
    half = (difference.high - difference.low) / 2
    return half * _reach(difference.n) / float(stdtrit(difference.n - 1, (1 + LEVEL) / 2))


def _detectable(differences_N: np.ndarray) -> float | None:
    num_songs = len(differences_N)
    if num_songs < 2:
        return None
    return _reach(num_songs) * float(differences_N.std(ddof=1)) / math.sqrt(num_songs)


def _reach(num_songs: int) -> float:
    """The detectable difference in standard errors."""
    from scipy.special import stdtrit

    return sum(float(stdtrit(num_songs - 1, share)) for share in ((1 + LEVEL) / 2, POWER))


def _parts(numerators_N: np.ndarray, denominators_N: np.ndarray) -> np.ndarray:
    """What each song adds: its excess over the rate, in units of the mean denominator."""
    if not len(numerators_N) or denominators_N.sum() == 0:
        return numerators_N
    rate = numerators_N.sum() / denominators_N.sum()
    excess_N: np.ndarray = (numerators_N - rate * denominators_N) / denominators_N.mean()
    return excess_N
