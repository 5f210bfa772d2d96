"""What a metric is: one record a metric, from which the report's tables and the docs are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """The facts a reader needs before a number means anything."""

    name: str  # key in report.json: lower case, stable
    title: str  # column head
    source: str  # paper, code or "ours" with the definition in `protocol`
    range: str  # as a reader would write it: "[0, inf)"
    direction: Direction  # which way is better
    unit: str  # "" for a plain ratio
    protocol: str  # one or two sentences: what is compared with what
    decimals: int = 2  # shown on the page; report.json keeps every digit
    percent: bool = False  # the page shows 100 x the value; report.json keeps the fraction

    def better(self, difference: float) -> bool:
        """Whether a change of this sign is an improvement; never where neither side is better."""
        if self.direction == "neither":
            return False
        return difference > 0 if self.direction == "higher" else difference < 0
