"""The leaderboard, and what the page's tables share: heads that sort, names with their stamp, cells of estimates as data, who leads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from eval.metrics.metric import Metric
from eval.pages.charts import Scale, dot_plot, figures_of, scale_of
from eval.results.report import STAMP, Report, System
from eval.results.wording import leaderboard_verdict, number, quantity, songs, unit
from eval.stats.intervals import Estimate

STAMP_MARK = f'<span class="stamp">{STAMP}</span>'
BETTER = {"lower": "lower is better", "higher": "higher is better", "neither": "no better side"}
_ARROWS = {"lower": "↓ lower", "higher": "↑ higher", "neither": "no better side"}


def column_head(text: str, kind: str = "number", css: str = "", note: str = "") -> str:
    """A column head that sorts; `kind` is "number" or "text"."""
    detail = f"<small>{escape(note)}</small>" if note else ""
    button = f'<button type="button">{escape(text)}</button>'
    return f'<th scope="col" class="{css}" data-sort="{kind}">{button}{detail}</th>'


def head_title(metric: Metric) -> str:
    """A metric's title with its unit, as a column head."""
    shown_unit = unit(metric)
    return f"{metric.title}, {shown_unit}" if shown_unit else metric.title


def stamp_mark(report: Report, is_stand_in: bool) -> str:
    """The stamp of a row; nothing where every row has it, which the head of the page says once."""
    return STAMP_MARK if is_stand_in and not report.all_stand_ins else ""


def row_head(report: Report, system: System, with_note: bool = True) -> str:
    """A system's name with its stamp and its note."""
    stamp = stamp_mark(report, system.stand_in)
    note = f'<span class="note">{escape(system.note)}</span>' if system.note and with_note else ""
    return (
        f'<th scope="row" data-value="{escape(system.title)}"><b>{escape(system.title)}</b>{note}{stamp}</th>'
    )


def estimate_cells(estimates: Mapping[str, Estimate], metrics: Sequence[Metric]) -> str:
    """A cell a metric: the value with its interval or why there is none, songs scored and failed."""
    cells = ""
    for metric in metrics:
        estimate = estimates[metric.name]
        shown = quantity(metric, estimate) + (f"; {estimate.reason}" if estimate.reason else "")
        cells += (
            f'<td class="figure" data-value="{data_value(estimate.value)}"><span class="value">{escape(shown)}</span>'
            f'<span class="n">{estimate.n} · {failed_count(estimate)}</span></td>'
        )
    return cells


def unbroken(sentence: str) -> str:
    """Escaped, with numbers, brackets and ``n = 32`` kept on one line."""
    kept = re.sub(r"n = (?=\d)|(?<=\d) (?=points|%|\[)|(?<=points) (?=\[)", _with_hard_spaces, sentence)
    return escape(re.sub(r"\[[^\]]*\]", _with_hard_spaces, kept))


def _with_hard_spaces(match: re.Match[str]) -> str:
    return match.group().replace(" ", "\u00a0")


def data_value(value: float | None) -> str:
    """A number as the sorting script reads it; nothing where there is none."""
    return "" if value is None else f"{value:.9g}"


def failed_count(estimate: Estimate) -> str:
    """How many songs failed, marked where any did."""
    return f'<b class="failed">{estimate.n_failed}</b>' if estimate.n_failed else "0"


def metric_scale(report: Report, metric: Metric) -> Scale:
    """One axis for all systems' values and intervals."""
    return scale_of(figures_of(system.estimate(metric.name) for system in report.systems))


def leaderboard(report: Report) -> str:
    """The headline metrics, and the others on demand."""
    leading = [report.metric(name) for name in report.headline] or list(report.metrics)
    others = [metric for metric in report.metrics if metric not in leading]
    boards = "".join(
        f"{f'<h3>{escape(heading)}</h3>' if heading else ''}{_board(report, metrics)}"
        for heading, metrics in by_heading(report, others).items()
    )
    more = f'<details class="more"><summary>{len(others)} more metrics</summary>{boards}</details>'
    return (
        f'<p class="verdict">{unbroken(leaderboard_verdict(report))}</p>{_board(report, leading)}'
        '<p class="caption">Dot and line: value and 95 % interval over songs, on one axis a column. '
        "Small figures: songs scored · songs failed; a failed song is never averaged in. "
        f"Arrows: which way is better. Column heads sort.</p>{more if others else ''}"
    )


def by_heading(report: Report, metrics: Sequence[Metric]) -> dict[str, list[Metric]]:
    """The metrics under the headings they belong to, in order; those without one under ""."""
    groups: dict[str, list[Metric]] = {}
    for metric in metrics:
        groups.setdefault(report.headings.get(metric.name, ""), []).append(metric)
    return groups


def _board(report: Report, metrics: Sequence[Metric]) -> str:
    heads = "".join(
        column_head(head_title(metric), css="figure", note=_ARROWS[metric.direction]) for metric in metrics
    )
    scales = {metric.name: metric_scale(report, metric) for metric in metrics}
    rows = "".join(
        f"<tr>{row_head(report, system)}"
        f"{''.join(_board_cell(system, metric, scales[metric.name]) for metric in metrics)}</tr>"
        for system in report.systems
    )
    return (
        '<div class="wide"><table class="sortable leaderboard"><thead>'
        f"<tr>{column_head('System', 'text')}{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _board_cell(system: System, metric: Metric, scale: Scale) -> str:
    estimate = system.estimate(metric.name)
    shown = quantity(metric, estimate)
    tooltip = f"{shown}, {songs(estimate)}" + (f"; {estimate.reason}" if estimate.reason else "")
    return (
        f'<td class="figure" data-value="{data_value(estimate.value)}" '
        f'title="{escape(tooltip)}">'
        f'<span class="value">{number(metric, estimate.value)}</span>'
        f"{dot_plot(estimate, scale, f'{metric.title} {shown}')}"
        f'<span class="n">{estimate.n} · {failed_count(estimate)}</span></td>'
    )
