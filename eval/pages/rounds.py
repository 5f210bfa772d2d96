"""The report's section about preference rounds in HTML: every round's change on every metric, raters, and which was kept."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from eval.metrics.metric import Metric
from eval.pages.charts import Scale, dot_plot, figures_of, interval_curve, scale_of
from eval.pages.leaderboard import BETTER, STAMP_MARK, head_title
from eval.results.plural import counted
from eval.results.report import is_stand_in
from eval.results.rounds import Change, RoundRow, RoundsReport, raters_line
from eval.results.wording import number, quantity, sentence, unit
from eval.stats.intervals import Estimate

_ERROR_OVER = {
    "max_frames": "means over all of the model's frames, silence after the song too",
    "song": "means over the song's own frames",
}


def rounds_section(report: RoundsReport, stamped: bool = True) -> str:
    """The section's HTML; `stamped`: rows by embedded models say so, which the head of the page may say for all."""
    lines = [report.why, report.stopped, *report.notes]
    told = "".join(f'<p class="verdict">{escape(sentence(line))}</p>' for line in lines if line)
    return (
        f"{told}{_table(report, stamped)}"
        '<p class="caption">Validation songs that no round learned from, generated from the same noise by every policy. '
        "Dot and line: value and 95 % interval over songs. Below it the change against round 0, paired by song. "
        "A control is the same rounds with beta = 0: what the truth alone explains.</p>"
        f"{_curves(report)}{_guards(report)}{_pairs(report)}"
    )


def _curves(report: RoundsReport) -> str:
    """A panel a metric: the policy over the rounds, and the control beside it."""
    panels = []
    for metric in report.metrics:
        policy = [
            (row.number, row.estimates[metric.name]) for row in report.rows if metric.name in row.estimates
        ]
        control = [
            (row.number, row.control[metric.name])
            for row in report.rows
            if row.control and metric.name in row.control
        ]
        if policy:
            lines = [("control", [*policy[:1], *control] if control else []), ("policy", policy)]
            drawn = interval_curve(lines, f"{metric.title} over rounds", metric.percent)
            head = f"<b>{escape(metric.title)}</b> {escape(BETTER[metric.direction])}"
            panels.append(f'<figure class="panel"><figcaption>{head}</figcaption>{drawn}</figure>')
    caption = '<p class="caption">By round, with 95 % intervals; pale and dashed: the control.</p>'
    return f'<div class="panels curves">{"".join(panels)}</div>{caption}' if len(report.rows) > 1 else ""


def _table(report: RoundsReport, stamped: bool) -> str:
    shown = [m for m in report.metrics if any(row.estimates.get(m.name) for row in report.rows)]
    heads = "".join(
        f'<th scope="col" class="figure">{escape(head_title(metric))}<small>{BETTER[metric.direction]}</small></th>'
        for metric in shown
    )
    groups = [group for row in report.rows for group in (row.estimates, row.control or {})]
    scales = {
        metric.name: scale_of(figures_of(group[metric.name] for group in groups if metric.name in group))
        for metric in shown
    }
    body = []
    for row in report.rows:
        first = {change.metric: change.estimate for change in row.changes if change.against == 0}
        marks = [("kept", row.number == report.kept), ("got worse beyond a margin", bool(row.exceeded))]
        said = "".join(f'<span class="note">{mark}</span>' for mark, holds in marks if holds)
        name = f"Round {row.number}" if row.number else "Round 0, before"
        stamp = STAMP_MARK if stamped and is_stand_in(row.made_by) else ""
        body.append(_line(name, said + stamp, row.estimates, first, shown, scales))
        if row.control:
            body.append(_line(f"Control of round {row.number}", stamp, row.control, {}, shown, scales))
    return (
        f'<div class="wide"><table class="leaderboard"><thead><tr><th scope="col">Round</th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _line(
    name: str,
    marks: str,
    estimates: Mapping[str, Estimate],
    changes: Mapping[str, Estimate],
    shown: list[Metric],
    scales: Mapping[str, Scale],
) -> str:
    cells = "".join(
        _cell(metric, estimates.get(metric.name), changes.get(metric.name), scales[metric.name])
        for metric in shown
    )
    return f'<tr><th scope="row"><b>{escape(name)}</b>{marks}</th>{cells}</tr>'


def _cell(metric: Metric, estimate: Estimate | None, change: Estimate | None, scale: Scale) -> str:
    if estimate is None:
        return '<td class="figure">\u2013</td>'
    note = "" if change is None else f'<span class="n">{escape(quantity(metric, change, True))}</span>'
    reason = f' title="{escape(estimate.reason)}"' if estimate.reason else ""
    return (
        f'<td class="figure"{reason}><span class="value">{number(metric, estimate.value)}</span>'
        f"{dot_plot(estimate, scale, f'{metric.title} {quantity(metric, estimate)}')}{note}</td>"
    )


def _guards(report: RoundsReport) -> str:
    """Every guard of every round: the change, how much worse it might be, and the corrected p-value."""
    rows = [
        _guard(row, change, report.metric(change.metric))
        for row in report.rows
        for change in row.changes
        if change.margin is not None
    ]
    if not rows:
        return ""
    heads = "".join(
        f'<th scope="col">{head}</th>'
        for head in ("Guard", "Round", "Against", "Change", "May be worse by", "p", "")
    )
    return (
        f'<h3>Guards</h3><div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        '</div><p class="caption">p: of being worse by no more than the margin, one-sided, by exchanging the songs of '
        "both policies; corrected by Holm's method over the non-inferiority metrics of a round.</p>"
    )


def _guard(row: RoundRow, change: Change, metric: Metric) -> str:
    p = "\u2013" if change.p_value is None else f"{change.p_value:.3f}"
    margin = f"{number(metric, change.margin)} {unit(metric, True)}".strip()
    size = quantity(metric, change.estimate, True)
    reason = f" ({change.estimate.reason})" if change.estimate.reason else ""
    found = "<b>broken</b>" if change.exceeded else "holds"
    cells = (metric.title, str(row.number), f"round {change.against}", size + reason, margin, p)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}<td>{found}</td></tr>"


def _pairs(report: RoundsReport) -> str:
    told = []
    for row in report.rows[1:]:
        refused = ", ".join(f"{reason} {count}" for reason, count in (row.refusals or {}).items())
        line = (
            f"Round {row.number}: {counted(row.num_pairs, 'pair')} from {counted(row.num_prompts, 'prompt')}"
        )
        line += f", {row.num_by_people} of them by people" if row.num_by_people else ""
        line += f", refused: {refused}" if refused else ""
        line += f"; {by}" if (by := raters_line(row.raters or {})) else ""
        if row.held_out_accuracy is not None:
            line += f"; it prefers the winner in {100 * row.held_out_accuracy:.0f} % of {row.num_held_out} held-out pairs"
        if row.error_over:
            line += f"; flow errors are {_ERROR_OVER.get(row.error_over, row.error_over)}"
        metric = report.metrics[0]
        if row.over_control:
            over = quantity(metric, row.over_control[metric.name], True)
            line += f"; its {metric.title.lower()} minus its control's: {over}"
        told.append(f"<li>{escape(line)}</li>")
    return f"<ul>{''.join(told)}</ul>" if told else ""
