"""The report's section "Does it copy?": generated songs near training songs, beside those near songs nobody trained on."""

from __future__ import annotations

from html import escape

from eval.pages.leaderboard import column_head, row_head, unbroken
from eval.results.copies import Copies, CopyRow
from eval.results.plural import counted
from eval.results.report import Report
from eval.stats.intervals import Estimate

SHOWN = 5


def copies_section(report: Report, copies: Copies) -> str:
    """The section's HTML."""
    heads = (
        f"{column_head('System', 'text')}"
        f"{column_head('Near a training song', css='figure', note=f'of all {copies.num_training}')}"
        f"{column_head('Near a training song', css='figure', note=f'of {copies.num_drawn} drawn')}"
        f"{column_head('Near a held-out song', css='figure', note=f'of as many, {copies.num_drawn}')}"
        f"{column_head('Difference', css='figure', note='drawn minus held-out')}"
        f"{column_head('Which', 'text')}"
    )
    rows = "".join(_row(report, row) for row in copies.rows)
    limit = (
        "No limit is set for a release."
        if copies.max_share is None
        else f"A release card is written up to a share of {100 * copies.max_share:g} % of songs near a training song."
    )
    return (
        '<p class="verdict">Words and sound of every generated song are held against the training songs by the rule that '
        "finds near duplicates, and against as many held-out songs, its own prompt left out: what is found there is chance. "
        f"{escape(limit)}</p>"
        f'<div class="wide"><table class="sortable"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _row(report: Report, row: CopyRow) -> str:
    system = report.system(row.system)
    head = row_head(report, system, with_note=False) if system else f"<th>{escape(row.system)}</th>"
    cells = "".join(
        _cell(estimate) for estimate in (row.of_training, row.of_drawn, row.of_held_out, row.difference)
    )
    named = "; ".join(f"{song}: {training}" for song, training in row.near[:SHOWN])
    more = f"; {counted(len(row.near) - SHOWN, 'pair')} more" if len(row.near) > SHOWN else ""
    return f'<tr>{head}{cells}<td><span class="note">{escape(named + more)}</span></td></tr>'


def _cell(estimate: Estimate) -> str:
    if estimate.value is None:
        return f'<td class="figure" data-value=""><span class="note">{escape(estimate.reason)}</span></td>'
    failed = f", {estimate.n_failed} failed" if estimate.n_failed else ""
    known = estimate.low is not None and estimate.high is not None
    interval = f" [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]" if known else ""  # type: ignore[operator]
    text = f"{100 * estimate.value:.1f} %{interval}, n = {estimate.n}{failed}"
    return f'<td class="figure" data-value="{estimate.value:.9g}">{unbroken(text)}</td>'
