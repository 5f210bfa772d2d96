"""Tables of error rates by group of each system's songs or words: by language (`LanguageRow`), by how fast words are sung (strata, `StratumRow`)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eval.pages.leaderboard import column_head, estimate_cells, head_title, row_head
from eval.results.report import Report
from eval.results.songs import LanguageRow, StratumRow

HEADS = {
    "syllables_per_s": (
        "Syllables a second",
        "of the fastest run of up to eight words, with its rests, that a word stands in",
    ),
    "s_per_syllable": ("Seconds a syllable", "of each word"),
}
"""Title of a measure that strata are of, and what it is of."""


def rates_table(report: Report) -> str:
    """Error rates of each language and system, with how many songs they are of; nothing where there is one language."""
    caption = (
        "Value, 95 % interval over the language's songs, and songs scored · songs failed. What WER counts is said beside the "
        "language: characters make it a CER."
    )
    rows = [
        (f'<th scope="row"><code>{escape(row.language)}</code></th><td>{escape(row.unit)}</td>', row)
        for row in report.languages
    ]
    heads = f"{column_head('Language', 'text')}{column_head('counted', 'text')}"
    return _table(report, "language", caption, heads, rows)


def strata_tables(report: Report) -> str:
    """A table a measure; nothing where nobody asked for them."""
    return "".join(_strata_table(report, name, *told) for name, told in HEADS.items())


def span(low: float | None, high: float | None) -> str:
    """A stratum in words."""
    if low is None:
        return f"below {high:g}"
    return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"


def _strata_table(report: Report, measure: str, title: str, told: str) -> str:
    caption = (
        f"{title} {told}, as asked for. Value, 95 % interval over songs, and songs scored · songs failed; a song counts where "
        "it has such words."
    )
    rows = [
        (
            f'<th scope="row">{escape(span(row.low, row.high))}</th>'
            f'<td class="figure" data-value="{row.num_words}">{row.num_words}</td>',
            row,
        )
        for row in report.strata
        if row.measure == measure
    ]
    heads = f"{column_head(title, 'text')}{column_head('words', css='figure')}"
    return _table(report, f"{title[0].lower()}{title[1:]}", caption, heads, rows)


def _table(
    report: Report,
    by: str,
    caption: str,
    heads: str,
    rows: Sequence[tuple[str, LanguageRow | StratumRow]],
) -> str:
    """A row a group and system: the group's own cells, the system's name, a cell a metric; nothing without rows."""
    if not rows:
        return ""
    metrics = [metric for metric in report.metrics if metric.name in rows[0][1].estimates]
    heads += column_head("System", "text")
    heads += "".join(column_head(head_title(metric), css="figure") for metric in metrics)
    systems = {system.name: row_head(report, system, with_note=False) for system in report.systems}
    body = "".join(
        f"<tr>{first}{systems[row.system]}{estimate_cells(row.estimates, metrics)}</tr>"
        for first, row in rows
    )
    return (
        f'<h3 class="songs-title">By {by}</h3><p class="caption">{caption}</p>'
        f'<div class="wide"><table class="sortable leaderboard"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )
