"""The tables of the page: leaderboard, one panel a metric, and the questions put to the numbers."""

from __future__ import annotations

import re
from html import escape

from eval.charts import Scale, axis, dot_plot, scale_of
from eval.intervals import Estimate
from eval.metric import Metric
from eval.report import STAMP, Comparison, Report, System, is_stand_in
from eval.wording import (
    comparison_verdict,
    interval,
    leaderboard_verdict,
    metric_verdict,
    number,
    quantity,
    songs,
    unit,
)

STAMP_MARK = f'<span class="stamp">{STAMP}</span>'
BETTER = {"lower": "lower is better", "higher": "higher is better"}
_HOLDS = {True: ("yes", "holds"), False: ("no", "does not hold"), None: ("open", "reported")}


def column_head(text: str, kind: str = "number", css: str = "", note: str = "") -> str:
    """A column head that sorts; `kind` is "number" or "text"."""
    detail = f"<small>{escape(note)}</small>" if note else ""
    button = f'<button type="button">{escape(text)}</button>'
    return f'<th scope="col" class="{css}" data-sort="{kind}">{button}{detail}</th>'


def _row_head(system: System, with_note: bool = True) -> str:
    stamp = STAMP_MARK if system.stand_in else ""
    note = f'<span class="note">{escape(system.note)}</span>' if system.note and with_note else ""
    return (
        f'<th scope="row" data-value="{escape(system.title)}"><b>{escape(system.title)}</b>{note}{stamp}</th>'
    )


def _unbroken(sentence: str) -> str:
    """Escaped, with numbers, brackets and ``n = 32`` kept on one line."""
    kept = re.sub(r"n = (?=\d)|(?<=\d) (?=points|%|\[)|(?<=points) (?=\[)", _with_hard_spaces, sentence)
    return escape(re.sub(r"\[[^\]]*\]", _with_hard_spaces, kept))


def _with_hard_spaces(match: re.Match[str]) -> str:
    return match.group().replace(" ", "\u00a0")


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"


def _head_title(metric: Metric) -> str:
    shown_unit = unit(metric)
    return f"{metric.title}, {shown_unit}" if shown_unit else metric.title


def leaderboard(report: Report) -> str:
    if not report.systems:
        return ""
    heads = [
        column_head(
            _head_title(metric),
            css="figure",
            note=f"{'↓' if metric.direction == 'lower' else '↑'} {metric.direction}",
        )
        for metric in report.metrics
    ]
    scales = {metric.name: _metric_scale(report, metric) for metric in report.metrics}
    rows = []
    for system in report.systems:
        cells = []
        for metric in report.metrics:
            estimate = system.estimate(metric.name)
            failed = f'<b class="failed">{estimate.n_failed}</b>' if estimate.n_failed else "0"
            label = f"{metric.title} {quantity(metric, estimate)}"
            cells.append(
                f'<td class="figure" data-value="{_value(estimate.value)}" '
                f'title="{escape(_tooltip(metric, estimate))}">'
                f'<span class="value">{number(metric, estimate.value)}</span>'
                f"{dot_plot(estimate, scales[metric.name], label)}"
                f'<span class="n">{estimate.n} · {failed}</span></td>'
            )
        rows.append(f"<tr>{_row_head(system)}{''.join(cells)}</tr>")
    return (
        f'<p class="verdict">{_unbroken(leaderboard_verdict(report))}</p>'
        '<div class="wide"><table class="sortable leaderboard"><thead>'
        f"<tr>{column_head('System', 'text')}{''.join(heads)}"
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        '<p class="caption">Dot and line: value and 95 % interval over songs, on one axis a column. '
        "Small figures: songs scored · songs failed; a failed song is never averaged in. "
        "Arrows: which way is better. Column heads sort.</p>"
    )


def _tooltip(metric: Metric, estimate: Estimate) -> str:
    text = f"{quantity(metric, estimate)}, {songs(estimate)}"
    return f"{text}; {estimate.reason}" if estimate.reason else text


def _metric_scale(report: Report, metric: Metric) -> Scale:
    estimates = [system.estimate(metric.name) for system in report.systems]
    values = [
        v for estimate in estimates for v in (estimate.value, estimate.low, estimate.high) if v is not None
    ]
    return scale_of(values)


def metric_panels(report: Report) -> str:
    panels = []
    for metric in report.metrics:
        scale = _metric_scale(report, metric)
        heads = "".join(column_head(text, css="figure") for text in (unit(metric) or "Value", "n", "failed"))
        rows = []
        for system in report.systems:
            estimate = system.estimate(metric.name)
            reason = (
                "" if interval(metric, estimate) else f'<span class="note">{escape(estimate.reason)}</span>'
            )
            failed = f'<b class="failed">{estimate.n_failed}</b>' if estimate.n_failed else "0"
            rows.append(
                f"<tr>{_row_head(system, with_note=False)}"
                f'<td class="plot">{dot_plot(estimate, scale, quantity(metric, estimate))}</td>'
                f'<td class="figure" data-value="{_value(estimate.value)}">{number(metric, estimate.value)} '
                f'<span class="range">{interval(metric, estimate)}</span>{reason}</td>'
                f'<td class="figure" data-value="{estimate.n}">{estimate.n}</td>'
                f'<td class="figure" data-value="{estimate.n_failed}">{failed}</td></tr>'
            )
        panels.append(
            f'<article class="panel" id="metric-{escape(metric.name)}"><h3>{escape(metric.title)}'
            f"<small>{BETTER[metric.direction]}</small></h3>"
            f'<p class="verdict">{_unbroken(metric_verdict(report, metric))}</p>'
            f'<div class="wide"><table class="sortable"><thead><tr>{column_head("System", "text")}<th></th>'
            f"{heads}"
            f'</tr></thead><tbody>{"".join(rows)}</tbody><tfoot><tr><td></td><td class="plot">'
            f"{axis(scale, metric.percent)}</td><td></td><td></td><td></td></tr></tfoot></table></div>"
            "</article>"
        )
    return f'<div class="panels">{"".join(panels)}</div>' if panels else ""


def questions(report: Report) -> str:
    if not report.comparisons:
        return ""
    items = []
    for comparison in report.comparisons:
        metric, estimate = report.metric(comparison.metric), comparison.estimate
        key, word = _HOLDS[comparison.holds]
        stamp = STAMP_MARK if is_stand_in(report.made_by(comparison)) else ""
        note = f'<p class="note">{escape(comparison.note)}</p>' if comparison.note else ""
        marks = _marks(comparison)
        known = [v for v in (estimate.value, estimate.low, estimate.high) if v is not None]
        scale = scale_of(known, include=marks)
        figure = f"{quantity(metric, estimate, bool(comparison.right))}, {songs(estimate)}"
        plot = f"{dot_plot(estimate, scale, figure, marks)}{axis(scale, metric.percent)}" if known else ""
        items.append(
            f'<li class="question"><div><h3>{escape(comparison.question)}</h3>'
            f'<p class="answer {key}"><b>{word}</b>{escape(_expectation(metric, comparison))}{stamp}</p>'
            f"<p>{_unbroken(comparison_verdict(report, comparison))}</p>{note}</div>"
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
    texts = {
        "above": f"expected: the whole interval above {limit}",
        "below": f"expected: the whole interval below {limit}",
        "within": f"expected: within {limit}",
        "at_most": f"expected: at most {limit}",
        "at_least": f"expected: at least {limit}",
        "none": "no expectation stated",
    }
    return texts[comparison.expect]


def _caption(report: Report, comparison: Comparison) -> str:
    metric = report.metric(comparison.metric)
    if not comparison.right:
        return f"{metric.title}: {report.title_of(comparison.left)}"
    return f"{metric.title}: {report.title_of(comparison.left)} minus {report.title_of(comparison.right)}"
