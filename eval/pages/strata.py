"""Tables of error rates by how fast words are sung."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eval.metrics.metric import Metric
from eval.pages.leaderboard import column_head, estimate_cells, head_title, row_head
from eval.results.report import Report
from eval.results.songs import StratumRow

HEADS = {
    "syllables_per_s": (
        "Syllables a second",
        "of the fastest run of up to eight words, with its rests, that a word stands in",
    ),
    "s_per_syllable": ("Seconds a syllable", "of each word"),
}
"""Title of a measure, and what it is of."""


def strata_tables(report: Report) -> str:
    """A table a measure; nothing where nobody asked for them."""
    return "".join(
        _table(report, title, told, [row for row in report.strata if row.measure == name])
        for name, (title, told) in HEADS.items()
        if any(row.measure == name for row in report.strata)
    )


def span(low: float | None, high: float | None) -> str:
    """A stratum in words."""
    if low is None:
        return f"below {high:g}"
    return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"


def _table(report: Report, title: str, told: str, rows: Sequence[StratumRow]) -> str:
    metrics = [metric for metric in report.metrics if metric.name in rows[0].estimates]
    heads = "".join(column_head(head_title(metric), css="figure") for metric in metrics)
    return (
        f'<h3 class="songs-title">By {title[0].lower()}{title[1:]}</h3><p class="caption">{title} {told}, as asked for. Value, 95 % '
        "interval over songs, and songs scored · songs failed; a song counts where it has such words.</p>"
        f'<div class="wide"><table class="sortable leaderboard"><thead><tr>{column_head(title, "text")}'
        f"{column_head('words', css='figure')}{column_head('System', 'text')}{heads}</tr></thead>"
        f"<tbody>{''.join(_row(report, row, metrics) for row in rows)}</tbody></table></div>"
    )


def _row(report: Report, row: StratumRow, metrics: Sequence[Metric]) -> str:
    system = next(one for one in report.systems if one.name == row.system)
    return (
        f'<tr><th scope="row">{escape(span(row.low, row.high))}</th><td class="figure" data-value="{row.num_words}">{row.num_words}</td>'
        f"{row_head(report, system, with_note=False)}{estimate_cells(row.estimates, metrics)}</tr>"
    )
