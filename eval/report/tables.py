"""A report in tables (pandas frames): systems, songs and comparisons unrounded, each a CSV file; and the few that the run of a flow shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eval.results.report import STAMP, Report, is_stand_in
from eval.results.wording import comparison_verdict, metric_verdict, quantity
from eval.stats.intervals import Estimate

if TYPE_CHECKING:
    import pandas

_FIGURES = ["value", "low", "high", "n", "n_failed"]
SYSTEM_COLUMNS = ["system", "title", "metric", *_FIGURES, "unit", "method", "reason", "stand_in"]
SONG_COLUMNS = ["song_id", "title", "genre", "system", "metric", "score", "reason"]
COUNT_COLUMNS = ["hits", "substitutions", "deletions", "insertions"]
COMPARISON_COLUMNS = [
    *("kind", "name", "metric", "left", "right", *_FIGURES),
    *("p_value", "p_corrected", "significant", "detectable", "failed_as_one"),
    *("expect", "limit", "holds", "stand_in"),
]


def report_frames(report: Report) -> dict[str, pandas.DataFrame]:
    """Every table by the name of its file, without the ending."""
    return {
        "systems": systems_frame(report),
        "songs": songs_frame(report),
        "comparisons": comparisons_frame(report),
    }


def systems_frame(report: Report) -> pandas.DataFrame:
    """A row a system and metric."""
    rows = [
        {
            "system": system.name,
            "title": system.title,
            "metric": metric.name,
            **_figures(system.estimate(metric.name)),
            "unit": metric.unit,
            "method": system.estimate(metric.name).method,
            "reason": system.estimate(metric.name).reason,
            "stand_in": system.stand_in,
        }
        for system in report.systems
        for metric in report.metrics
    ]
    return _frame(rows, SYSTEM_COLUMNS)


def songs_frame(report: Report) -> pandas.DataFrame:
    """A row a song, system and metric; counts where the metric is an error rate."""
    rows = [
        {
            **{name: getattr(row, name) for name in ("song_id", "title", "genre", "system")},
            "metric": metric,
            "score": score,
            "reason": row.reasons.get(metric, "") if score is None else "",
            **{name: getattr(row.counts.get(metric), name, None) for name in COUNT_COLUMNS},
        }
        for row in report.songs
        for metric, score in row.scores.items()
    ]
    frame = _frame(rows, [*SONG_COLUMNS, *COUNT_COLUMNS])
    return frame.astype(dict.fromkeys(COUNT_COLUMNS, "Int64"))


def comparisons_frame(report: Report) -> pandas.DataFrame:
    """The questions, then every pair of systems; `kind` tells them apart."""
    rows: list[dict[str, Any]] = [
        {
            "kind": "question",
            "name": one.name,
            "metric": one.metric,
            "left": one.left,
            "right": one.right,
            **_figures(one.estimate),
            "expect": one.expect,
            "limit": one.limit,
            "holds": one.holds,
            "stand_in": is_stand_in(report.made_by(one)),
        }
        for one in report.comparisons
    ]
    rows += [
        {
            "kind": "pair",
            "name": f"{pair.left} - {pair.right}",
            "metric": table.metric,
            "left": pair.left,
            "right": pair.right,
            **_figures(pair.estimate),
            "p_value": pair.p_value,
            "p_corrected": pair.corrected,
            "significant": pair.significant,
            "detectable": pair.detectable,
            "failed_as_one": pair.failed_as_one.value if pair.failed_as_one else None,
            "stand_in": any(
                system.stand_in for system in report.systems if system.name in (pair.left, pair.right)
            ),
        }
        for table in report.pairs
        for pair in table.pairs
    ]
    return _frame(rows, COMPARISON_COLUMNS)


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame(rows, columns=columns)


def csv_bytes(frame: pandas.DataFrame) -> bytes:
    """The frame as a CSV file; equal frames give equal bytes, a missing value is an empty cell."""
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text.encode()


def leading_values(report: Report) -> dict[str, dict[str, float | None]]:
    """What `dvc metrics` compares: of the systems and metrics that the head of the report asks about, or, where it asks
    nothing, of every system's headline metrics. All values stand in ``systems.csv``.
    """
    asked = [one for one in report.comparisons if one.headline]
    systems = list(dict.fromkeys(one.gain for one in asked)) or [system.name for system in report.systems]
    metrics = list(dict.fromkeys(one.metric for one in asked)) or list(report.headline)
    return {
        system.name: {name: system.estimate(name).value for name in metrics}
        for system in report.systems
        if system.name in systems
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


def _figures(estimate: Estimate) -> dict[str, Any]:
    return {name: getattr(estimate, name) for name in _FIGURES}
