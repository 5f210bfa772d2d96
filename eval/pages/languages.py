"""Tables by language: what became of the songs that went in, and how many words of each were sung as they were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eval.metrics.metric import Metric
from eval.pages.leaderboard import column_head, estimate_cells, head_title, row_head
from eval.results.data_set import LanguageFate
from eval.results.report import Report
from eval.results.songs import LanguageRow


def fates_table(fates: Sequence[LanguageFate]) -> str:
    """Songs in, kept, hours and drop reasons of each language; nothing where there is one."""
    if not fates:
        return ""
    heads = "".join(column_head(text, css="figure") for text in ("in", "kept", "% kept", "hours kept"))
    return (
        '<h3 class="songs-title">By language</h3><div class="wide"><table class="sortable drops"><thead><tr>'
        f"{column_head('Language', 'text')}{heads}{column_head('dropped', 'text')}</tr></thead>"
        f"<tbody>{''.join(map(_fate_row, fates))}</tbody></table></div>"
    )


def _fate_row(fate: LanguageFate) -> str:
    share = 100 * fate.kept / fate.songs_in
    cells = "".join(
        f'<td class="figure" data-value="{value}">{value}</td>'
        for value in (fate.songs_in, fate.kept, f"{share:.1f}", f"{fate.hours:.2f}")
    )
    drops = sorted(fate.drops.items(), key=lambda drop: (-drop[1], drop[0]))
    listed = ", ".join(f"<code>{escape(reason)}</code> {count}" for reason, count in drops)
    return f'<tr><th scope="row"><code>{escape(fate.language)}</code></th>{cells}<td>{listed}</td></tr>'


def rates_table(report: Report) -> str:
    """Error rates of each language and system, with how many songs they are of; nothing where there is one language."""
    if not report.languages:
        return ""
    measured = {name for row in report.languages for name in row.estimates}
    metrics = [metric for metric in report.metrics if metric.name in measured]
    heads = "".join(column_head(head_title(metric), css="figure") for metric in metrics)
    rows = "".join(_rates_row(report, row, metrics) for row in report.languages)
    return (
        '<h3 class="songs-title">By language</h3><p class="caption">Value, 95 % interval over the language\'s songs, and '
        "songs scored · songs failed. What WER counts is said beside the language: characters make it a CER.</p>"
        f'<div class="wide"><table class="sortable leaderboard"><thead><tr>{column_head("Language", "text")}'
        f"{column_head('counted', 'text')}{column_head('System', 'text')}{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _rates_row(report: Report, row: LanguageRow, metrics: Sequence[Metric]) -> str:
    system = next(one for one in report.systems if one.name == row.system)
    return (
        f'<tr><th scope="row"><code>{escape(row.language)}</code></th><td>{escape(row.unit)}</td>'
        f"{row_head(report, system, with_note=False)}{estimate_cells(row.estimates, metrics)}</tr>"
    )
