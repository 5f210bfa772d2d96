"""Estimates as report.json holds them, and those of groups: songs of a genre or a language, words of a stratum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from eval.results.report import Report
from eval.stats.intervals import Estimate


def groups_record(report: Report) -> dict[str, Any]:
    """The estimates by group. Languages stand where songs have several, strata where they were asked for: a report without is as it
    was before there were any.
    """
    genres = [
        {"genre": row.genre, "system": row.system, "metrics": metrics_record(row.estimates)}
        for row in report.genres
    ]
    languages = [
        {name: getattr(row, name) for name in ("language", "unit", "system")}
        | {"metrics": metrics_record(row.estimates)}
        for row in report.languages
    ]
    strata = [
        {name: getattr(row, name) for name in ("measure", "low", "high", "system", "num_words")}
        | {"metrics": metrics_record(row.estimates)}
        for row in report.strata
    ]
    found = {"languages": languages, "strata": strata}
    return {"genres": genres, **{name: rows for name, rows in found.items() if rows}}


def metrics_record(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Estimates by the name of their metric."""
    return {name: estimate_record(estimate) for name, estimate in estimates.items()}


def estimate_record(estimate: Estimate) -> dict[str, Any]:
    """An estimate; a value or an interval that is missing has a reason."""
    value, low, high = (finite(number) for number in (estimate.value, estimate.low, estimate.high))
    reason = estimate.reason
    if not reason and value is None:
        reason = "not computed"
    elif not reason and (low is None or high is None):
        reason = "no interval was computed"
    return {
        "value": value,
        "low": low,
        "high": high,
        "n": estimate.n,
        "n_failed": estimate.n_failed,
        "unit": estimate.unit,
        "method": estimate.method,
        "reason": reason,
    }


def finite(number: float | None) -> float | None:
    """The number; None where it is missing, NaN or infinite."""
    return float(number) if number is not None and math.isfinite(number) else None
