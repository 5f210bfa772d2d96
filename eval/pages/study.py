"""The page of a study in HTML: the question and its answer, a curve (plot) for each series, and every arm's levels beside the base."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eval.metrics.metric import Metric
from eval.pages.charts import Scale, axis, dot_plot, figures_of, interval_curve, scale_of
from eval.pages.frame import html_page
from eval.pages.leaderboard import BETTER, column_head, data_value
from eval.pages.sweep import NO_PLAYERS
from eval.results.plural import counted
from eval.results.study import StudyResult, StudyRow, in_short
from eval.results.wording import interval, number, songs, unit
from eval.stats.intervals import Estimate


def study_html(study: StudyResult) -> str:
    """The whole page as text; equal studies give equal text."""
    answers = "".join(_answer(sentence, rest) for sentence, rest in in_short(study))
    sections = [("answer", "Answer", f"<ul>{answers}</ul>")]
    if study.series:
        sections += [
            (f"{metric.name}-curves", f"{escape(metric.title)}: curves", _curves(study, metric))
            for metric in study.metrics
            if any(row.levels[metric.name].value is not None for row in (study.base, *study.rows))
        ]
    sections += [
        (metric.name, f"{escape(metric.title)}: every arm", _table(study, metric)) for metric in study.metrics
    ]
    return html_page(
        f"Study: {study.name}",
        ["page.css"],
        ["player.js", "page.js"],
        _header(study),
        sections,
        NO_PLAYERS,
        {},
    )


def _answer(sentence: str, rest: Sequence[str]) -> str:
    """One sentence; what else there is to say lies behind it."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in rest)
    more = (
        f'<details class="more"><summary>{counted(len(rest), "more figure")}</summary><ul>{lines}</ul></details>'
        if rest
        else ""
    )
    return f"<li>{escape(sentence)}{more}</li>"


def _header(study: StudyResult) -> str:
    made = sorted({model for one in study.made_by for model in one.split() if model.startswith("embedded/")})
    banner = (
        f'<p class="banner"><span class="stamp">{escape(study.stamp)}</span> Generated or measured by '
        f"{', '.join(f'<code>{escape(name)}</code>' for name in made)}</p>"
        if study.stamp
        else ""
    )
    notes = [
        f"{study.num_songs} songs of the benchmark, each with the same noise in every arm; intervals (95 %) are over songs.",
        f"Runs: {'; '.join(study.runs)}."
        + ("" if len(study.runs) > 1 else " One run says nothing of another training."),
        *study.notes,
        f"What would change the answer: {study.doubt}",
    ]
    told = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f'<header><p class="kicker">Study</p><h1>{escape(study.question)}</h1>{banner}<ul class=notes>{told}</ul>'
        "</header>"
    )


def _curves(study: StudyResult, metric: Metric) -> str:
    panels, all_levels = [], [row.levels[metric.name] for row in (study.base, *study.rows)]
    for name, series in study.series.items():
        points = [(float(series["base"]), study.base.levels[metric.name])]
        points += [
            (row.value, row.levels[metric.name])
            for row in study.rows
            if row.series == name and row.value is not None
        ]
        title = f"{series['title']} {'(' + series['unit'] + ')' if series['unit'] else ''}".strip()
        drawn = interval_curve(
            [("policy", sorted(points, key=lambda point: point[0]))],
            f"{metric.title} over: {title}",
            metric.percent,
            all_levels,
        )
        head = f"<b>{escape(title)}</b> {escape(BETTER[metric.direction])}"
        panels.append(f'<figure class="panel"><figcaption>{head}</figcaption>{drawn}</figure>')
    return f'<div class="panels curves">{"".join(panels)}</div>'


def _table(study: StudyResult, metric: Metric) -> str:
    changes = [row.changes[metric.name] for row in study.rows]
    scale = scale_of(figures_of(changes), include=[0.0])
    lines = "".join(_line(study, metric, row, scale) for row in [study.base, *study.rows])
    heads = "".join(
        [
            column_head("arm", "text"),
            column_head(f"level {unit(metric)}".strip()),
            column_head(f"change {unit(metric, True)}".strip()),
        ]
    )
    return (
        f'<p class="verdict">{BETTER[metric.direction].capitalize()}. The dot is the change against the base, song by song, the line its '
        f'interval; below a change stands the smallest true one that these songs would show 8 times in 10.</p><table class="sortable"><thead><tr>{heads}<th class="plot" scope="col">'
        f"{axis(scale, metric.percent)}</th></tr></thead><tbody>{lines}</tbody></table>"
    )


def _line(study: StudyResult, metric: Metric, row: StudyRow, scale: Scale) -> str:
    level, change = row.levels[metric.name], row.changes[metric.name]
    runs = _runs(metric, row.runs[metric.name]) if len(study.runs) > 1 else ""
    plot = (
        ""
        if row is study.base
        else dot_plot(change, scale, f"{row.title}: {_value_and_interval(metric, change)}", marks=[0.0])
    )
    changed = "base" if row is study.base else _value_and_interval(metric, change)
    return (
        f'<tr><th scope="row"><b>{escape(row.title)}</b>{runs}</th>'
        f'<td class="number" data-value="{data_value(level.value)}">{escape(_value_and_interval(metric, level))}'
        f'<span class="note">{escape(level.reason or songs(level))}</span></td>'
        f'<td class="number" data-value="{data_value(change.value)}">{escape(changed)}{_seen(metric, row)}</td>'
        f'<td class="plot">{plot}</td></tr>'
    )


def _runs(metric: Metric, levels: Sequence[float | None]) -> str:
    return f'<span class="note">runs: {escape(", ".join(number(metric, level) for level in levels))}</span>'


def _seen(metric: Metric, row: StudyRow) -> str:
    value = row.detectable[metric.name]
    if value is None:
        return ""
    return f'<span class="note">would see {escape(number(metric, value))}</span>'


def _value_and_interval(metric: Metric, estimate: Estimate) -> str:
    return f"{number(metric, estimate.value)} {interval(metric, estimate)}".strip()
