"""Every two systems compared on the same songs, one family a metric: difference, p-value, power.

A song counts for a pair when both systems have its score. Beside a difference of error rates stands the same with
every missing or failed song counted as an error rate of 1, so that a system cannot gain by failing.
Legend: N songs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from eval.intervals import (
    LEVEL,
    Estimate,
    Resampling,
    paired_mean_difference,
    paired_rate_difference,
)
from eval.significance import (
    detectable_difference,
    detectable_rate_difference,
    holm,
    paired_p_value,
    paired_rate_p_value,
)
from eval.song_row import SongRow
from eval.words import ErrorCounts

Column = list[float | None]
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
    lefts, rights = columns[left], columns[right]
    if any(row is not None and metric in row.counts for row in [*lefts, *rights]):
        return _rate_pair(metric, left, right, columns, resampling, swapping)
    scores, others = ([row.scores.get(metric) if row else None for row in side] for side in (lefts, rights))
    estimate = paired_mean_difference(scores, others, resampling)
    if not estimate.n:
        return None
    p_value = paired_p_value(scores, others, swapping)
    return Pair(left, right, estimate, p_value, detectable=detectable_difference(scores, others))


def _rate_pair(
    metric: str,
    left: str,
    right: str,
    columns: Mapping[str, Sequence[SongRow | None]],
    resampling: Resampling,
    swapping: Resampling,
) -> Pair | None:
    mine, theirs = _counts(columns[left], metric), _counts(columns[right], metric)
    sides = (*_fractions(mine), *_fractions(theirs))
    estimate = paired_rate_difference(*sides, resampling)
    if not estimate.n:
        return None
    counts = [_counts(column, metric) for column in columns.values()]
    asked = [next((one.num_reference for one in song if one), None) for song in zip(*counts, strict=True)]
    filled = (*_fractions(mine, asked), *_fractions(theirs, asked))
    return Pair(
        left,
        right,
        estimate,
        paired_rate_p_value(*sides, swapping),
        detectable=detectable_rate_difference(*sides),
        failed_as_one=paired_rate_difference(*filled, resampling),
    )


def _counts(column: Sequence[SongRow | None], metric: str) -> list[ErrorCounts | None]:
    return [row.counts.get(metric) if row else None for row in column]


def _fractions(
    side: Sequence[ErrorCounts | None], asked: Sequence[int | None] | None = None
) -> tuple[Column, Column]:
    """Errors and reference tokens; with `asked`, a song without counts has as many errors as it was asked."""
    fill = asked or [None] * len(side)
    errors: Column = [float(one.errors) if one else few for one, few in zip(side, fill, strict=True)]
    references: Column = [
        float(one.num_reference) if one else few for one, few in zip(side, fill, strict=True)
    ]
    return errors, references


def smallest_detectable(table: PairTable) -> tuple[float, float] | None:
    """The least and the largest of the pairs' detectable differences."""
    known = [
        pair.detectable
        for pair in table.pairs
        if pair.detectable is not None and math.isfinite(pair.detectable)
    ]
    return (min(known), max(known)) if known else None
