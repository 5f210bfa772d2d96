"""Every two systems (`Pair`, `PairTable`) compared on the same songs, one family a metric: difference, p-value corrected by Holm, smallest detectable, failed as one.

A song counts for a pair when both systems have its score. Beside a difference of error rates stands the same with
every missing or failed song counted as an error rate of 1, so that a system cannot gain by failing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from eval.metrics.metric import Corpus, Measurable, Values
from eval.stats.intervals import LEVEL, Estimate
from eval.stats.significance import holm


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
    def significant(self) -> bool:
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


def pair_table(metric: Measurable, columns: Mapping[str, Values], corpus: Corpus) -> PairTable | None:
    """Every two systems as one family, p-values corrected by Holm; None where no two have a song in common.

    `columns`: the values of every system, position by position the same songs.
    """
    sides = list(combinations(columns, 2))
    testing, method = metric.testing(corpus, len(sides))
    filled = metric.failed_as_one(columns)
    pairs = []
    for left, right in sides:
        mine, theirs = columns[left], columns[right]
        if not any(a is not None and b is not None for a, b in zip(mine, theirs, strict=True)):
            continue
        difference = metric.difference(mine, theirs, corpus)
        if difference.value is None:
            continue
        p_value = metric.p_value(mine, theirs, testing)
        failed = metric.difference(filled[left], filled[right], corpus) if filled else None
        detectable = metric.detectable(mine, theirs, difference)
        pairs.append(Pair(left, right, difference, p_value, None, detectable, failed))
    return PairTable(metric.name, family(pairs), f"{method}; Holm over the family") if pairs else None


def family(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with their p-values corrected together; a pair without a test stays untested."""
    corrected = holm([pair.p_value for pair in pairs])
    return [replace(pair, corrected=p) for pair, p in zip(pairs, corrected, strict=True)]


def smallest_detectable(table: PairTable) -> tuple[float, float] | None:
    """The least and the largest of the pairs' detectable differences."""
    known = [
        pair.detectable
        for pair in table.pairs
        if pair.detectable is not None and math.isfinite(pair.detectable)
    ]
    return (min(known), max(known)) if known else None
