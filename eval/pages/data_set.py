"""The report's section on the data set in HTML: fates by reason and by language, histograms with their thresholds, speed of the stages."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from eval.pages.charts import bar, histogram_chart
from eval.pages.leaderboard import column_head
from eval.results.data_set import DataSet, Histogram, LanguageFate, StageRate
from eval.results.plural import counted


def data_section(data: DataSet) -> str:
    """The section's HTML."""
    return _fates(data) + _flags(data) + _by_language(data) + _histograms(data) + _rates(data)


def _fates(data: DataSet) -> str:
    dropped = sum(data.drops.values())
    splits = "; ".join(f"{escape(name)} {count}" for name, count in data.splits.items())
    most = max(data.drops.values(), default=0) or 1
    fates = [
        ("kept", data.kept, ""),
        *((reason, count, "dropped") for reason, count in sorted(data.drops.items(), key=_by_count)),
    ]
    rows = "".join(
        f'<tr class="{css}"><th scope="row"><code>{escape(fate)}</code></th>'
        f'<td class="plot">{bar(count / most, f"{fate}: {count} songs") if css else ""}</td>'
        f'<td class="figure" data-value="{count}">{count}</td>'
        f'<td class="figure" data-value="{count}">{100 * count / max(1, data.songs_in):.1f}</td></tr>'
        for fate, count, css in fates
    )
    heads = f"{column_head('songs', css='figure')}{column_head('%', css='figure')}"
    return (
        f'<p class="verdict">{counted(data.songs_in, "song")} in = {data.kept} kept + {dropped} dropped.'
        f"{f' Kept by split: {splits}.' if splits else ''}</p>"
        f'<div class="wide"><table class="sortable drops"><thead><tr>{column_head("Fate", "text")}<th>'
        f"</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="caption">Bars: dropped songs by reason, against the most frequent one; %: of all songs in.</p>'
    )


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _flags(data: DataSet) -> str:
    if not data.flags:
        return ""
    return (
        f'<p class="note">Benchmark songs kept in spite of a reason to drop them: {_listed(data.flags)}.</p>'
    )


def _listed(counts: Mapping[str, int]) -> str:
    """Reasons with their counts, the most frequent first."""
    ordered = sorted(counts.items(), key=_by_count)
    return ", ".join(f"<code>{escape(reason)}</code> {count}" for reason, count in ordered)


def _by_language(data: DataSet) -> str:
    """Songs in, kept, hours and drop reasons of each language; nothing where there is one."""
    if not data.languages:
        return ""
    heads = "".join(column_head(text, css="figure") for text in ("in", "kept", "% kept", "hours kept"))
    return (
        '<h3 class="songs-title">By language</h3><div class="wide"><table class="sortable drops"><thead><tr>'
        f"{column_head('Language', 'text')}{heads}{column_head('dropped', 'text')}</tr></thead>"
        f"<tbody>{''.join(map(_language_row, data.languages))}</tbody></table></div>"
    )


def _language_row(fate: LanguageFate) -> str:
    share = 100 * fate.kept / fate.songs_in
    cells = "".join(
        f'<td class="figure" data-value="{value}">{value}</td>'
        for value in (fate.songs_in, fate.kept, f"{share:.1f}", f"{fate.hours:.2f}")
    )
    return f'<tr><th scope="row"><code>{escape(fate.language)}</code></th>{cells}<td>{_listed(fate.drops)}</td></tr>'


def _histograms(data: DataSet) -> str:
    if not data.histograms:
        return ""
    panels = "".join(
        f'<figure class="panel"><figcaption><b>{escape(one.title)}</b> {escape(_says(one))}</figcaption>'
        f"{histogram_chart(one.edges, one.kept, one.dropped, one.limits, f'songs by {one.title}')}</figure>"
        for one in data.histograms
    )
    caption = (
        '<p class="caption"><span class="key kept"></span>kept <span class="key lost"></span>dropped, for '
        "whatever reason; dashed: the threshold. The outer bars hold what lies beyond.</p>"
    )
    return f'<h3 class="songs-title">What was measured on them</h3><div class="panels curves">{panels}</div>{caption}'


def _says(one: Histogram) -> str:
    count = sum(one.kept) + sum(one.dropped)
    limits = ", ".join(f"{limit:g}" for limit in one.limits)
    parts = [
        counted(count, "song"),
        f"in {one.unit}" if one.unit else "",
        f"threshold {limits}" if limits else "",
    ]
    parts.append(f"{one.missing} without it" if one.missing else "")
    return "; ".join(part for part in parts if part)


def _rates(data: DataSet) -> str:
    timed = [rate for rate in data.rates if rate.speed is not None]
    if not timed:
        return ""
    fastest = max(rate.speed or 0.0 for rate in timed)
    rows = "".join(_rate_row(rate, fastest) for rate in timed)
    heads = "".join(
        column_head(name, css="figure") for name in ("x real time", "worker seconds", "waiting %", "peak MB")
    )
    return (
        f'<h3 class="songs-title">Speed of the stages</h3><div class="wide"><table class="sortable drops rates"><thead>'
        f"<tr>{column_head('Stage', 'text')}<th></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="caption">Seconds of audio a worker gets through in a second, from the receipts of the runs that '
        "made the table; waiting: for input to be read and decoded.</p>"
    )


def _rate_row(rate: StageRate, fastest: float) -> str:
    speed = rate.speed or 0.0
    waiting = "" if rate.waiting_share is None else f"{100 * rate.waiting_share:.0f}"
    memory = "" if rate.peak_memory_mb is None else f"{rate.peak_memory_mb:.0f}"
    device = f'<span class="note">{escape(rate.device)}</span>' if rate.device else ""
    cells = "".join(
        f'<td class="figure" data-value="{value or -1}">{value}</td>'
        for value in (f"{speed:.1f}", f"{rate.worker_s:.0f}", waiting, memory)
    )
    return (
        f'<tr class="dropped"><th scope="row"><code>{escape(rate.stage)}</code>{device}</th>'
        f'<td class="plot">{bar(speed / fastest, f"{rate.stage}: {speed:.1f} times real time")}</td>{cells}</tr>'
    )
