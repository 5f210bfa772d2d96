"""The questions put to the numbers, a comparison each: what was expected and its limit, whether it holds, and the difference as a picture."""

from __future__ import annotations

from html import escape

from eval.metrics.metric import Metric
from eval.pages.charts import axis, dot_plot, figures_of, scale_of
from eval.pages.leaderboard import stamp_mark, unbroken
from eval.results.report import Comparison, Report, is_stand_in
from eval.results.wording import comparison_verdict, number, quantity, songs, unit

_HOLDS = {True: ("yes", "holds"), False: ("no", "does not hold"), None: ("open", "reported")}


def questions(report: Report) -> str:
    """The section's HTML."""
    items = []
    for comparison in report.comparisons:
        metric, estimate = report.metric(comparison.metric), comparison.estimate
        key, word = _HOLDS[comparison.holds]
        stamp = stamp_mark(report, is_stand_in(report.made_by(comparison)))
        note = f'<p class="note">{escape(comparison.note)}</p>' if comparison.note else ""
        marks = _marks(comparison)
        known = figures_of([estimate])
        scale = scale_of(known, include=marks)
        figure = f"{quantity(metric, estimate, bool(comparison.right))}, {songs(estimate)}"
        plot = f"{dot_plot(estimate, scale, figure, marks)}{axis(scale, metric.percent)}" if known else ""
        items.append(
            f'<li class="question"><div><h3>{escape(comparison.question)}</h3>'
            f'<p class="answer {key}"><b>{word}</b>{escape(_expectation(metric, comparison))}{stamp}</p>'
            f"<p>{unbroken(comparison_verdict(report, comparison))}</p>{note}</div>"
            f'<div class="evidence">{plot}<p class="caption">{escape(_caption(report, comparison))}'
            "</p></div></li>"
        )
    return f'<ol class="questions">{"".join(items)}</ol>'


def _marks(comparison: Comparison) -> list[float]:
    if comparison.expect == "within":
        return [-comparison.limit, 0.0, comparison.limit]
    if comparison.expect in ("at_most", "at_least"):
        return [comparison.limit]
    return [0.0] if comparison.limit == 0 or comparison.expect == "none" else [0.0, comparison.limit]


def _expectation(metric: Metric, comparison: Comparison) -> str:
    shown_unit = unit(metric, bool(comparison.right))
    if comparison.estimate.unit == "songs":
        limit = f"{comparison.limit:g} of {comparison.estimate.n} songs"
    else:
        limit = "0" if comparison.limit == 0 else f"{number(metric, comparison.limit)} {shown_unit}".strip()
    return {
        "above": f"expected: the whole interval above {limit}",
        "below": f"expected: the whole interval below {limit}",
        "within": f"expected: within {limit}",
        "at_most": f"expected: at most {limit}",
        "at_least": f"expected: at least {limit}",
        "none": "no expectation stated",
    }[comparison.expect]


def _caption(report: Report, comparison: Comparison) -> str:
    sides = [report.title_of(side) for side in (comparison.left, comparison.right) if side]
    return f"{report.metric(comparison.metric).title}: {' minus '.join(sides)}"
