"""Intervals over songs (`Estimate`, `Resampling`): bootstrap for means, corpus rates (numerators) and their paired differences, and the jackknife.

A song is the unit everywhere: drawn whole, with replacement. Position i of every list is the same song.
A missing score (None or NaN) is a failed song: it is counted in `n_failed` and never becomes a 0.
Legend: B resamples, N songs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

LEVEL = 0.95
_BLOCK = 1 << 22  # songs drawn at a time: bounds memory, changes no value

Scores = Sequence[float | None] | np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and what it stands on. A None has its `reason`."""

    value: float | None
    low: float | None
    high: float | None
    n: int  # songs used
    n_failed: int  # songs asked for and not used
    unit: str = ""
    method: str = ""
    reason: str = ""

    @property
    def above_zero(self) -> bool:
        return self.low is not None and self.low > 0

    @property
    def resolved(self) -> bool:
        """The interval leaves 0 out."""
        return self.above_zero or (self.high is not None and self.high < 0)


def unresolved(
    value: float | None, n: int, n_failed: int, method: str, reason: str, unit: str = ""
) -> Estimate:
    """An estimate without an interval, and why; without a value too where that is None."""
    return Estimate(value, None, None, n, n_failed, unit, method, reason)


@dataclass(frozen=True)
class Resampling:
    """How songs are drawn. The same seed and number of songs give the same draws, so rows are comparable."""

    num_resamples: int
    seed: int

    def __post_init__(self) -> None:
        if self.num_resamples < 100:
            raise ValueError(
                f"num_resamples is {self.num_resamples}: a 95 % interval needs at least 100, better 10000"
            )


@lru_cache(maxsize=2)
def drawn_swaps_BN(resampling: Resampling, num_songs: int) -> np.ndarray:
    """Which songs change sides in each resample: bool. All 2 to the N ways where they are no more than
    the resamples asked for, the unchanged one first. Not to be written.
    """
    if num_songs < resampling.num_resamples.bit_length():
        ways = np.arange(2**num_songs)
        swaps: np.ndarray = (ways[:, None] >> np.arange(num_songs)) & 1 == 1
    else:
        generator = np.random.default_rng(resampling.seed)
        swaps = generator.integers(2, size=(resampling.num_resamples, num_songs), dtype=np.int8) == 1
    swaps.setflags(write=False)
    return swaps


@lru_cache(maxsize=2)
def drawn_counts_BN(resampling: Resampling, num_songs: int) -> np.ndarray:
    """How often each song was drawn in each resample: float64, every row adds up to N; not to be written."""
    generator = np.random.default_rng(resampling.seed)
    counts = np.empty((resampling.num_resamples, num_songs))
    rows = max(1, _BLOCK // num_songs)
    for first in range(0, resampling.num_resamples, rows):
        block = counts[first : first + rows]
        drawn = generator.integers(num_songs, size=(len(block), num_songs))
        drawn += np.arange(len(block))[:, None] * num_songs
        block[:] = np.bincount(drawn.ravel(), minlength=block.size).reshape(block.shape)
    counts.setflags(write=False)
    return counts


def mean(scores: Scores, resampling: Resampling) -> Estimate:
    """Mean over songs with its percentile bootstrap interval."""
    scores_N, n_failed = complete_columns(scores)
    return rate_of_arrays(scores_N[0], np.ones_like(scores_N[0]), n_failed, resampling)


def rate(numerators: Scores, denominators: Scores, resampling: Resampling) -> Estimate:
    """Ratio of sums (errors / reference tokens) over songs with its percentile bootstrap interval.

    Where the denominators add up to 0 the ratio is the sum of the numerators, as in jiwer.
    """
    (numerators_N, denominators_N), n_failed = complete_columns(numerators, denominators)
    return rate_of_arrays(numerators_N, denominators_N, n_failed, resampling)


def proportion(count: int, n: int) -> Estimate:
    """A share of songs that are or are not something, with its Wilson interval (Wilson 1927, eq. 2)."""
    if n == 0:
        return Estimate(None, None, None, 0, 0, reason="there is no song")
    z2, share = NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2, count / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Estimate(share, max(0.0, centre - reach), min(1.0, centre + reach), n, 0, method="Wilson")


def paired_mean_difference(scores: Scores, others: Scores, resampling: Resampling) -> Estimate:
    """Mean of `scores` minus mean of `others` over the songs that both have."""
    pairs, n_failed = complete_columns(scores, others)
    return rate_of_arrays(pairs[0] - pairs[1], np.ones_like(pairs[0]), n_failed, resampling)


def paired_rate_difference(
    numerators: Scores,
    denominators: Scores,
    other_numerators: Scores,
    other_denominators: Scores,
    resampling: Resampling,
) -> Estimate:
    """Rate of the first minus rate of the other over the songs that both have, drawn together."""
    columns, n_failed = complete_columns(numerators, denominators, other_numerators, other_denominators)
    num_songs = columns.shape[1]
    if num_songs == 0:
        return _nothing(n_failed)
    sums = columns.sum(axis=1)
    value = float(ratio(sums[0], sums[1]) - ratio(sums[2], sums[3]))
    sums_B4 = drawn_counts_BN(resampling, num_songs) @ columns.T
    values_B = ratio(sums_B4[:, 0], sums_B4[:, 1]) - ratio(sums_B4[:, 2], sums_B4[:, 3])
    return percentile_estimate(value, values_B, num_songs, n_failed)


def rate_of_arrays(
    numerators_N: np.ndarray, denominators_N: np.ndarray, n_failed: int, resampling: Resampling
) -> Estimate:
    """`rate` of complete arrays; `n_failed` songs are already left out."""
    num_songs = len(numerators_N)
    if num_songs == 0:
        return _nothing(n_failed)
    value = float(ratio(numerators_N.sum(), denominators_N.sum()))
    sums_B2 = drawn_counts_BN(resampling, num_songs) @ np.stack([numerators_N, denominators_N], axis=1)
    return percentile_estimate(value, ratio(sums_B2[:, 0], sums_B2[:, 1]), num_songs, n_failed)


def percentile_estimate(
    value: float, values_B: np.ndarray, num_songs: int, n_failed: int, unit: str = ""
) -> Estimate:
    """The estimate with the 2.5 and 97.5 percentiles of its resampled values; one song has no interval."""
    if num_songs < 2:
        return unresolved(value, num_songs, n_failed, "bootstrap", "one song gives no interval", unit)
    low, high = np.quantile(values_B, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high), num_songs, n_failed, unit, "bootstrap")


def jackknife(value: float, values_without_N: Sequence[float] | np.ndarray, n_failed: int) -> Estimate:
    """Interval from the values got with one song left out: value -+ t times the jackknife's standard error.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), eq. 11.5; t with N - 1 degrees.
    """
    from scipy.special import stdtrit

    values_N = np.asarray(values_without_N, dtype=np.float64)
    num_songs = len(values_N)
    if num_songs < 2:
        return unresolved(value, num_songs, n_failed, "jackknife", "one song gives no interval")
    spread = ((values_N - values_N.mean()) ** 2).sum()
    half = float(stdtrit(num_songs - 1, (1 + LEVEL) / 2)) * math.sqrt((num_songs - 1) / num_songs * spread)
    return Estimate(value, value - half, value + half, num_songs, n_failed, method="jackknife")


def present(score: float | None) -> bool:
    """Whether this is a score at all: neither None nor NaN."""
    return score is not None and not math.isnan(score)


def complete_columns(*columns: Scores) -> tuple[np.ndarray, int]:
    """The columns as float64 [columns, N] over the songs that have all of them, and how many have not."""
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise ValueError(
            f"columns hold {sorted(lengths)} songs: position i must be the same song in all of them"
        )
    rows = np.array([[math.nan if score is None else score for score in column] for column in columns], float)
    if np.isinf(rows).any():
        raise ValueError(
            "a score is infinite: give None for a song without a score, a finite number otherwise"
        )
    whole = ~np.isnan(rows).any(axis=0)
    return rows[:, whole], int((~whole).sum())


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Numerator / denominator; the numerator itself where the denominator is 0, as in jiwer."""
    empty = denominator == 0
    return np.where(empty, numerator, numerator / np.where(empty, 1, denominator))


def _nothing(n_failed: int) -> Estimate:
    return unresolved(None, 0, n_failed, "bootstrap", "no song has a score")
