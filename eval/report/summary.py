"""A report in a few small tables: what `dvc metrics` compares, and what the run of a flow shows."""

from __future__ import annotations

from typing import Any

from eval.results.report import STAMP, Report
from eval.results.wording import comparison_verdict, metric_verdict, quantity


def system_values(report: Report) -> dict[str, dict[str, float | None]]:
    """Every system's values alone, by metric."""
    return {
        system.name: {metric.name: system.estimate(metric.name).value for metric in report.metrics}
        for system in report.systems
    }


def summary_tables(report: Report) -> dict[str, list[dict[str, Any]]]:
    """The leaderboard, the line above each metric's table, and the questions with their answers."""
    leading = [report.metric(name) for name in report.headline] or report.metrics
    return {
        "benchmark": [
            {"system": one.title, "stamp": STAMP if one.stand_in else ""}
            | {metric.title: quantity(metric, one.estimate(metric.name)) for metric in leading}
            for one in report.systems
        ],
        "verdicts": [
            {"metric": metric.title, "verdict": metric_verdict(report, metric)} for metric in report.metrics
        ],
        "questions": [
            {"question": one.question, "answer": comparison_verdict(report, one)}
            for one in report.comparisons
        ],
    }
