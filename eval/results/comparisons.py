"""Every two systems compared on the same songs, one family a metric: difference, p-value, power.

A song counts for a pair when both systems have its score. Beside a difference of error rates stands the same with
every missing or failed song counted as an error rate of 1, so that a system cannot gain by failing.
Legend: N songs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from eval.metrics.error_rates import ErrorCounts, corpus_rate_difference, fractions
from eval.results.song_row import SongRow
from eval.stats.intervals import LEVEL, Estimate, Resampling, paired_mean_difference, paired_rate_difference
from eval.stats.significance import (
    detectable_difference,
    detectable_rate_difference,
    holm,
    paired_p_value,
    paired_rate_p_value,
)

DRAWS_A_PAIR = 1000  # in a family, so that its correction leaves small p-values small


@dataclass(frozen=True)
class Pair:
    """Two systems on one metric: left minus right."""

    left: str
    right: str
    estimate: Estimate
    p_value: float | None  # of no difference, before any correction
    corrected: float | None = None  # after Holm, over the family
    detectable: float | None = None  # the true difference that these songs would show 8 times in 10
    failed_as_one: Estimate | None = None  # error rates only: failed songs counted as 1

    @property
    def told_apart(self) -> bool:
        return self.corrected is not None and self.corrected <= 1 - LEVEL


@dataclass(frozen=True)
class PairTable:
    """All pairs of one metric, corrected together."""

    metric: str
    pairs: Sequence[Pair]
    method: str

    @property
    def num_tests(self) -> int:
        return sum(pair.p_value is not None for pair in self.pairs)


def pair_table(metric: str, pairs: Sequence[Pair], method: str) -> PairTable:
    """The pairs as one family: their p-values corrected by Holm."""
    corrected = holm([pair.p_value for pair in pairs])
    family = [replace(pair, corrected=p) for pair, p in zip(pairs, corrected, strict=True)]
    return PairTable(metric, family, f"{method}; Holm over the family")


def pair_tables(
    rows: Sequence[SongRow], systems: Sequence[str], metrics: Sequence[str], resampling: Resampling
) -> list[PairTable]:
    """A table for each metric that has scores a song; pairs that no song has in common are left out."""
    songs = list(dict.fromkeys(row.song_id for row in rows))
    by_place = {(row.system, row.song_id): row for row in rows}
    num_pairs = len(systems) * (len(systems) - 1) // 2
    swapping = replace(resampling, num_resamples=max(resampling.num_resamples, DRAWS_A_PAIR * num_pairs))
    method = f"paired permutation, systems swapped within songs, {swapping.num_resamples} draws, seed {swapping.seed}"
    tables = []
    for metric in metrics:
        columns = {system: [by_place.get((system, song)) for song in songs] for system in systems}
        pairs = [
            pair
            for left, right in combinations(systems, 2)
            if (pair := _pair(metric, left, right, columns, resampling, swapping)) is not None
        ]
        if pairs:
            tables.append(pair_table(metric, pairs, method))
    return tables


def _pair(
    metric: str,
    left: str,
    right: str,
    columns: Mapping[str, Sequence[SongRow | None]],
    resampling: Resampling,
    swapping: Resampling,
) -> Pair | None:
    mine, theirs = columns[left], columns[right]
    is_rate = any(row is not None and metric in row.counts for row in [*mine, *theirs])
    differ, p_value_of, detectable_of = _RATES if is_rate else _MEANS
    if is_rate:
        sides = [*fractions(_counts(mine, metric)), *fractions(_counts(theirs, metric))]
    else:
        sides = [[row.scores.get(metric) if row else None for row in side] for side in (mine, theirs)]
    estimate = differ(*sides, resampling)
    if not estimate.n:
        return None
    failed = _failed_as_one(metric, left, right, columns, resampling) if is_rate else None
    return Pair(left, right, estimate, p_value_of(*sides, swapping), None, detectable_of(*sides), failed)


_Functions = tuple[Callable[..., Estimate], Callable[..., float | None], Callable[..., float | None]]
_MEANS: _Functions = (paired_mean_difference, paired_p_value, detectable_difference)
_RATES: _Functions = (paired_rate_difference, paired_rate_p_value, detectable_rate_difference)


def _failed_as_one(
    metric: str,
    left: str,
    right: str,
    columns: Mapping[str, Sequence[SongRow | None]],
    resampling: Resampling,
) -> Estimate:
    """The difference where a song without counts misses all that any system was asked of it."""
    counts = {name: _counts(column, metric) for name, column in columns.items()}
    asked = [
        next((one.num_reference for one in song if one), None) for song in zip(*counts.values(), strict=True)
    ]

    def filled(name: str) -> list[ErrorCounts | None]:
        missed = [None if few is None else ErrorCounts(0, 0, few, 0) for few in asked]
        return [one or lost for one, lost in zip(counts[name], missed, strict=True)]

    return corpus_rate_difference(filled(left), filled(right), resampling)


def _counts(column: Sequence[SongRow | None], metric: str) -> list[ErrorCounts | None]:
    return [row.counts.get(metric) if row else None for row in column]


def smallest_detectable(table: PairTable) -> tuple[float, float] | None:
    """The least and the largest of the pairs' detectable differences."""
    known = [
        pair.detectable
        for pair in table.pairs
        if pair.detectable is not None and math.isfinite(pair.detectable)
    ]
    return (min(known), max(known)) if known else None
