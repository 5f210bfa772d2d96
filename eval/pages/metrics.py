"""Metric by metric, a panel each: a line that says what is told apart, a table of intervals, every pair of systems with its p-value and with failed songs as 1."""

from __future__ import annotations

from html import escape

from eval.metrics.metric import Metric
from eval.pages.charts import axis, dot_plot, scale_of
from eval.pages.leaderboard import (
    BETTER,
    by_heading,
    column_head,
    data_value,
    failed_count,
    metric_scale,
    row_head,
    unbroken,
)
from eval.results.comparisons import Pair, PairTable
from eval.results.report import Report
from eval.results.wording import family_line, interval, metric_verdict, number, quantity, unit


def metric_panels(report: Report) -> str:
    """A panel a metric, under the heading it belongs to."""
    return "".join(
        f"{f'<h3 class=songs-title>{escape(heading)}</h3>' if heading else ''}"
        f'<div class="panels">{"".join(_panel(report, metric) for metric in metrics)}</div>'
        for heading, metrics in by_heading(report, report.metrics).items()
    )


def _panel(report: Report, metric: Metric) -> str:
    scale = metric_scale(report, metric)
    heads = "".join(column_head(text, css="figure") for text in (unit(metric) or "Value", "n", "failed"))
    rows = []
    for system in report.systems:
        estimate = system.estimate(metric.name)
        reason = "" if interval(metric, estimate) else f'<span class="note">{escape(estimate.reason)}</span>'
        rows.append(
            f"<tr>{row_head(report, system, with_note=False)}"
            f'<td class="plot">{dot_plot(estimate, scale, quantity(metric, estimate))}</td>'
            f'<td class="figure" data-value="{data_value(estimate.value)}">{number(metric, estimate.value)} '
            f'<span class="range">{interval(metric, estimate)}</span>{reason}</td>'
            f'<td class="figure" data-value="{estimate.n}">{estimate.n}</td>'
            f'<td class="figure" data-value="{estimate.n_failed}">{failed_count(estimate)}</td></tr>'
        )
    remark = report.remarks.get(metric.name, "")
    return (
        f'<article class="panel" id="metric-{escape(metric.name)}"><h3>{escape(metric.title)}'
        f"<small>{BETTER[metric.direction]}</small></h3>"
        f'<p class="verdict">{unbroken(metric_verdict(report, metric))}</p>'
        f"{f'<p class=caption>{unbroken(remark)}</p>' if remark else ''}"
        f'<div class="wide"><table class="sortable"><thead><tr>{column_head("System", "text")}<th></th>'
        f"{heads}"
        f'</tr></thead><tbody>{"".join(rows)}</tbody><tfoot><tr><td></td><td class="plot">'
        f"{axis(scale, metric.percent)}</td><td></td><td></td><td></td></tr></tfoot></table></div>"
        f"{_pairs(report, metric)}</article>"
    )


def _pairs(report: Report, metric: Metric) -> str:
    table = report.pair_table(metric.name)
    if table is None:
        return ""
    told = sum(pair.significant for pair in table.pairs)
    rates = any(pair.failed_as_one for pair in table.pairs)
    heads = ["difference", "", "p, Holm", "n", "detectable"] + (["failed as 1"] if rates else [])
    head = "".join(column_head(text, css="figure") if text else "<th></th>" for text in heads)
    return (
        f'<details class="pairs"><summary>Every pair: {told} of {table.num_tests} told apart</summary>'
        f'<div class="wide"><table class="sortable"><thead><tr>{column_head("Left minus right", "text")}{head}'
        f"</tr></thead><tbody>{_pair_rows(report, metric, table, rates)}</tbody></table></div>"
        f'<p class="caption">{escape(family_line(metric, table))} Bold: p at most 0.05 after the '
        "correction. Intervals are 95 % bootstrap intervals of one difference, uncorrected."
        f"{_FAILED_NOTE if rates else ''}</p></details>"
    )


_FAILED_NOTE = " Failed as 1: the same difference with every failed or missing song as an error rate of 1."


def _pair_rows(report: Report, metric: Metric, table: PairTable, rates: bool) -> str:
    known = [v for pair in table.pairs for v in (pair.estimate.low, pair.estimate.high) if v is not None]
    scale = scale_of(known, include=[0.0])
    rows = []
    for pair in table.pairs:
        estimate = pair.estimate
        names = f"{report.title_of(pair.left)} − {report.title_of(pair.right)}"
        label = f"{names}: {quantity(metric, estimate, True)}"
        failed = f' <b class="failed">+{estimate.n_failed}</b>' if estimate.n_failed else ""
        cells = [
            f'<td class="figure" data-value="{data_value(estimate.value)}">{number(metric, estimate.value)} '
            f'<span class="range">{interval(metric, estimate)}</span></td>',
            f'<td class="plot">{dot_plot(estimate, scale, label, [0.0])}</td>',
            f'<td class="figure" data-value="{data_value(pair.corrected)}">{_p_value(pair)}</td>',
            f'<td class="figure" data-value="{estimate.n}">{estimate.n}{failed}</td>',
            f'<td class="figure" data-value="{data_value(pair.detectable)}">{number(metric, pair.detectable)}</td>',
        ]
        if rates:
            other = pair.failed_as_one.value if pair.failed_as_one else None
            cells.append(f'<td class="figure" data-value="{data_value(other)}">{number(metric, other)}</td>')
        rows.append(
            f'<tr class="{"apart" if pair.significant else ""}"><th scope="row">{escape(names)}</th>{"".join(cells)}</tr>'
        )
    return "".join(rows)


def _p_value(pair: Pair) -> str:
    """Three decimals, as small as the draws allow to say."""
    if pair.corrected is None:
        return "–"
    return "&lt;0.001" if pair.corrected < 0.001 else f"{pair.corrected:.3f}"
