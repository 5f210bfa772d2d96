"""What a paper says of one system: a methods paragraph and a LaTeX row, from a report.json's records alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.results.plural import counted
from eval.results.stored import system_named

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{mark: f"\\{mark}" for mark in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
_ARROWS = {"lower": r" $\downarrow$", "higher": r" $\uparrow$"}


def system_card(record: Mapping[str, Any], name: str) -> str:
    """The card as text: the paragraph, then the row under its head.

    Raises:
        ValueError: the report has no such system.
    """
    name = system_named(record, name)
    return f"{methods_paragraph(record, name)}\n\n{latex_row(record, name)}\n"


def methods_paragraph(record: Mapping[str, Any], name: str) -> str:
    """How the numbers of the row were made, in sentences."""
    system = record["systems"][name]
    shown = _leading_metrics(record, name)
    songs = {row["song_id"] for row in record["songs"] if row["system"] == name}
    failed = max((system["metrics"][metric]["n_failed"] for metric in shown), default=0)
    sentences = [
        f"{record['stamp'].upper()}: small embedded models made or scored this row."
        if system["stand_in"]
        else "",
        f"{system['title']} was judged on {counted(len(songs), 'song')} ({record['title']}).",
        *(f"{_title(record, metric)}: {record['metrics'][metric]['protocol']}" for metric in shown),
        "Brackets are 95 % intervals over songs (percentile bootstrap of whole songs"
        f"{_draws(record)}; jackknife for distances of sets).",
        _compared(record, shown),
        f"Songs that failed are counted and never averaged: at most {failed} here for a metric."
        if failed
        else "No song failed.",
        f"Made and scored by {', '.join(system['made_by'])}." if system["made_by"] else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def latex_row(record: Mapping[str, Any], name: str) -> str:
    """A head and the system's row of a booktabs table; rates are fractions."""
    system = record["systems"][name]
    shown = _leading_metrics(record, name)
    heads = [
        f"{_latex(_title(record, metric))}{_ARROWS.get(record['metrics'][metric]['direction'], '')}"
        for metric in shown
    ]
    stamp = f"% {record['stamp']}\n" if system["stand_in"] else ""
    title = _latex(system["title"]) + (r"$^{\ast}$" if system["stand_in"] else "")
    cells = [_cell(system["metrics"][metric]) for metric in shown]
    return (
        f"{stamp}% System & {' & '.join(heads)} \\\\\n"
        f"{' & '.join([title, *cells])} \\\\ % n = {_songs(system, shown)}"
    )


def _leading_metrics(record: Mapping[str, Any], name: str) -> list[str]:
    """The leading metrics that this system has."""
    metrics = record["systems"][name]["metrics"]
    return [metric for metric in record["headline"] if metrics[metric]["value"] is not None]


def _title(record: Mapping[str, Any], metric: str) -> str:
    return str(record["metrics"][metric]["title"])


def _songs(system: Mapping[str, Any], shown: list[str]) -> str:
    counts = sorted({system["metrics"][metric]["n"] for metric in shown})
    return " to ".join(str(count) for count in ([counts[0], counts[-1]] if len(counts) > 1 else counts))


def _draws(record: Mapping[str, Any]) -> str:
    settings = record["settings"].get("benchmark", {})
    if not {"num_resamples", "seed"} <= set(settings):
        return ""
    return f", {settings['num_resamples']} draws, seed {settings['seed']}"


def _compared(record: Mapping[str, Any], shown: list[str]) -> str:
    tested = [record["pairs"][metric] for metric in shown if metric in record["pairs"]]
    if not tested:
        return "No two systems were compared."
    return (
        f"Systems were compared in pairs over the songs both have ({tested[0]['method']}: "
        f"{tested[0]['tests']} pairs a metric), at 5 %."
    )


def _cell(estimate: Mapping[str, Any]) -> str:
    if estimate["low"] is None:
        return f"${estimate['value']:.3f}$"
    return f"${estimate['value']:.3f}$ {{\\scriptsize $[{estimate['low']:.3f}, {estimate['high']:.3f}]$}}"


def _latex(text: str) -> str:
    return text.translate(_LATEX)
