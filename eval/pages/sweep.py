"""sweep.html and sweep.json: every arm of a sweep with its change and interval, and each seed as a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from eval.metrics.metric import Metric
from eval.pages.charts import Scale, axis, dot_plot, figures_of, scale_of
from eval.pages.frame import html_page
from eval.pages.leaderboard import column_head, data_value
from eval.results.sweep import Sweep, SweepRow
from eval.results.wording import interval, number, songs

CLAIM = "A claim needs an interval over prompts that leaves 0 out, and the same sign from every seed."
NO_PLAYERS: dict[str, Any] = {"order": [], "systems": {}, "metrics": [], "songs": []}


def sweep_json(sweep: Sweep) -> dict[str, Any]:
    """All of a sweep as plain values."""
    return {
        "rule": CLAIM,
        "notes": list(sweep.notes),
        "made_by": list(sweep.made_by),
        "metrics": [metric.name for metric in sweep.metrics],
        "arms": [_row_json(row) for row in sweep.arms],
        "contrasts": [_row_json(row) for row in sweep.contrasts],
    }


def _row_json(row: SweepRow) -> dict[str, Any]:
    changes = {name: {**asdict(change), "claim": change.claim} for name, change in row.changes.items()}
    return {"name": row.name, "title": row.title, **row.facts, "changes": changes}


def sweep_html(sweep: Sweep) -> str:
    """The whole page as text; equal sweeps give equal text."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in (CLAIM, *sweep.notes))
    stand_ins = [name for name in sweep.made_by if name.startswith("embedded/")]
    banner = (
        '<p class="banner"><span class="stamp">stand-in, not a result</span> Generated and scored by small embedded '
        f"models: {', '.join(f'<code>{escape(name)}</code>' for name in stand_ins)}</p>"
        if stand_ins
        else ""
    )
    header = (
        '<header><p class="kicker">Preference training</p><h1>What the preference itself does</h1>'
        f"{banner}<ul class=notes>{notes}</ul></header>"
    )
    tables = (
        ("start", "against the model they all start from", sweep.arms),
        ("contrasts", "against one another", sweep.contrasts),
    )
    sections = [
        (f"{metric.name}-{key}", f"{escape(metric.title)}, {title}", _table(metric, rows))
        for metric in sweep.metrics
        for key, title, rows in tables
    ]
    return html_page(
        "Preference sweep", ["page.css"], ["player.js", "page.js"], header, sections, NO_PLAYERS, {}
    )


def _table(metric: Metric, rows: Sequence[SweepRow]) -> str:
    changes = [row.changes[metric.name] for row in rows]
    seeds = [seed for change in changes for seed in change.seeds if seed is not None]
    scale = scale_of([*figures_of(change.estimate for change in changes), *seeds], include=[0.0])
    lines = "".join(_line(metric, row, scale) for row in rows)
    heads = column_head("training", "text") + column_head("change") + column_head("claim", "text")
    better = "up is better" if metric.direction == "higher" else "down is better"
    return (
        f'<p class="verdict">{better.capitalize()}. The dot is the mean of the seeds, the line its interval over '
        "prompts, the small dots are the seeds.</p>"
        f'<table class="sortable"><thead><tr>{heads}<th class="plot" scope="col">{axis(scale)}</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def _line(metric: Metric, row: SweepRow, scale: Scale) -> str:
    change = row.changes[metric.name]
    estimate = change.estimate
    seeds = [seed for seed in change.seeds if seed is not None]
    shown = f"{number(metric, estimate.value)} {interval(metric, estimate)}".strip()
    plot = dot_plot(estimate, scale, f"{row.title}: {shown}", marks=[0.0], points=seeds)
    return (
        f'<tr><th scope="row"><b>{escape(row.title)}</b><span class="note">{escape(row.name)}</span></th>'
        f'<td class="number" data-value="{data_value(estimate.value)}">{escape(shown)}'
        f'<span class="note">{escape(estimate.reason or songs(estimate))}</span></td>'
        f'<td>{"yes" if change.claim else "no"}</td><td class="plot">{plot}</td></tr>'
    )
