"""report.html: the sections of the benchmark report (banner, published rows, panels), on one page that needs nothing but itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eval.pages.charts import curve
from eval.pages.copies import copies_section
from eval.pages.data_set import data_section
from eval.pages.frame import html_page
from eval.pages.heard import heard_section
from eval.pages.leaderboard import BETTER, STAMP_MARK, column_head, leaderboard, unbroken
from eval.pages.metrics import metric_panels
from eval.pages.players import Players, listen_section, songs_data
from eval.pages.questions import questions
from eval.pages.ratings import ratings_section
from eval.pages.rounds import rounds_section
from eval.results.headline import answers, caution
from eval.results.published import NOT_COMPARABLE, PublishedRow
from eval.results.report import Report
from eval.results.report_json import plain
from eval.results.stored import WORDS
from eval.results.wording import sentence


def report_html(report: Report, players: Players) -> str:
    """The whole page as text; a section without anything to show is left out."""
    sections = [
        ("leaderboard", "Leaderboard", leaderboard(report) if report.systems else ""),
        ("questions", "Questions and answers", questions(report) if report.comparisons else ""),
        ("listen", "Listen", listen_section(report) if report.songs else ""),
        ("ratings", "Listening test", ratings_section(report) if report.listening else ""),
        ("copies", "Does it copy?", copies_section(report, report.copies) if report.copies else ""),
        ("metrics", "Metric by metric", metric_panels(report)),
        (
            "rounds",
            "Preference rounds",
            rounds_section(report.rounds, not report.all_stand_ins) if report.rounds else "",
        ),
        ("training", "Training", _losses(report) + heard_section(report)),
        ("data", "Data set", data_section(report.data_set) if report.data_set else ""),
        ("published", "Published elsewhere", _published(report) if report.published else ""),
        ("protocol", "Protocol", _protocol(report)),
        ("settings", "Settings and run", _settings(report)),
    ]
    shown = [section for section in sections if section[2]]
    return html_page(
        report.title,
        ["page.css"],
        ["player.js", "page.js"],
        _header(report, [(key, title) for key, title, _ in shown]),
        shown,
        songs_data(report, players),
        players.embedded,
    )


# ---- header ------------------------------------------------------------------------------------------------


def _header(report: Report, sections: list[tuple[str, str]]) -> str:
    parts = (part for system in report.systems for entry in system.made_by for part in entry.split())
    identities = sorted({*report.stand_ins, *(part for part in parts if part.startswith("embedded/"))})
    banner = ""
    if identities:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in identities)
        rows = "All rows were" if report.all_stand_ins else "Rows with this stamp were"
        banner = (
            f'<p class="banner">{STAMP_MARK} {rows} made or scored by small '
            "embedded models that stand in for the real ones. They show that the machinery works, and "
            f"nothing about music. {names}</p>"
        )
    subtitle = f'<p class="subtitle">{escape(report.subtitle)}</p>' if report.subtitle else ""
    links = "".join(f'<li><a href="#{key}">{escape(title)}</a></li>' for key, title in sections)
    return (
        f'<header><p class="kicker">Benchmark report</p><h1>{escape(report.title)}</h1>{subtitle}'
        f"{_answers(report)}{banner}</header>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>'
    )


def _answers(report: Report) -> str:
    """Whether training and preference rounds helped, and what so few songs can tell."""
    items = "".join(
        f'<li class="answer {one.verdict}"><span>{escape(one.question)}</span> <b>{escape(WORDS[one.verdict])}</b> '
        f"{unbroken(f'{sentence(one.reason)} {one.text}' if one.reason else one.text)}</li>"
        for one in answers(report)
    )
    told = caution(report)
    return (f'<ul class="answers">{items}</ul>' if items else "") + (
        f'<p class="caution">{escape(told)}</p>' if told else ""
    )


# ---- the rest ----------------------------------------------------------------------------------------------


def _losses(report: Report) -> str:
    panels = [
        f'<figure class="panel"><figcaption><b>{escape(item.name)}</b> {_loss_line(item.points)}</figcaption>'
        f"{curve(item.points, f'loss of {item.name} over steps')}</figure>"
        for item in report.losses
    ]
    caption = '<p class="caption">Loss over optimiser steps: thin as logged, thick its running mean.</p>'
    return f'<div class="panels curves">{"".join(panels)}</div>{caption}' if panels else ""


def _loss_line(points: Any) -> str:
    if not points:
        return ""
    tail = [loss for _, loss in points[-max(1, len(points) // 20) :]]
    mean = sum(tail) / len(tail)
    return f"{len(points)} losses to step {points[-1][0]}; mean of the last {len(tail)}: {mean:.3f}"


def _published(report: Report) -> str:
    blocks = [
        _published_block([row for row in report.published if row.system.split()[0].strip(",") == name])
        for name in dict.fromkeys(row.system.split()[0].strip(",") for row in report.published)
    ]
    return (
        f'<p class="verdict"><span class="stamp">{escape(NOT_COMPARABLE)}</span> What others published about '
        "their own systems. None of it was measured here, and no row above may be read against it.</p>"
        f"{''.join(blocks)}"
    )


def _published_block(cells: Sequence[PublishedRow]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(row.system)}</th><td>{escape(row.metric)}</td>'
        f'<td class="figure" data-value="{row.value:.9g}">{row.value:g}</td>'
        f'<td><span class="note">{escape(row.citation)}{escape(f"; {row.note}" if row.note else "")}</span></td></tr>'
        for row in cells
    )
    heads = (
        f"{column_head('System', 'text')}{column_head('Metric, in its source', 'text')}"
        f"{column_head('Value', css='figure')}{column_head('Source', 'text')}"
    )
    return (
        f'<div class="wide"><table class="sortable published"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _protocol(report: Report) -> str:
    items = "".join(
        f"<div><dt>{escape(metric.title)} <code>{escape(metric.name)}</code></dt>"
        f"<dd>{escape(metric.protocol)} <small>{escape(metric.range)}{escape(f' {metric.unit}'.rstrip())}, "
        f"{BETTER[metric.direction]}. Source: {escape(metric.source)}.</small></dd></div>"
        for metric in report.metrics
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return f'{f"<ul class=notes>{notes}</ul>" if notes else ""}<dl class="protocol">{items}</dl>'


def _settings(report: Report) -> str:
    blocks = []
    models = sorted({entry for system in report.systems for entry in system.made_by} | set(report.stand_ins))
    if models:
        entries = "".join(f"<li><code>{escape(model)}</code></li>" for model in models)
        blocks.append(f"<div><h3>Models and their revisions</h3><ul>{entries}</ul></div>")
    loose = {key: value for key, value in report.settings.items() if not isinstance(value, Mapping)}
    named = {key: value for key, value in report.settings.items() if isinstance(value, Mapping)}
    groups = {**({"general": loose} if loose else {}), **named, **({"run": report.run} if report.run else {})}
    for title, group in groups.items():
        rows = "".join(
            f"<div><dt>{escape(str(key))}</dt><dd>{escape(_plain_text(value))}</dd></div>"
            for key, value in group.items()
        )
        blocks.append(f"<div><h3>{escape(str(title))}</h3><dl>{rows}</dl></div>")
    return f'<div class="settings">{"".join(blocks)}</div>' if blocks else ""


def _plain_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(plain(value, "settings"), ensure_ascii=False, sort_keys=True)
