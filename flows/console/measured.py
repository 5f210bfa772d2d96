"""`jam report`, `jam card`, `jam sensitivity`: what was measured, as tables and as a paper would say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.report.card import system_card
from eval.results.headline import Answer
from eval.results.report_json import SCHEMA
from flows.run.progress import say, say_table

REPORT_JSON = Path("reports/benchmark/report.json")
SHOWN = ("wer", "acoustic_per", "style_similarity", "judge_mean", "energy_after_end")


def last_report(root: Path) -> dict[str, Any]:
    """The report.json of a work folder.

    Raises:
        ValueError: there is none, or one of another schema.
    """
    path = root / REPORT_JSON
    if not path.is_file():
        raise ValueError(f"work: no report in {root}; run `jam benchmark --work {root}` first")
    record: dict[str, Any] = json.loads(path.read_text())
    if record["schema"] != SCHEMA:
        raise ValueError(
            f"work: the report in {root} has schema {record['schema']}, not {SCHEMA}; run `jam benchmark` again"
        )
    return record


def print_card(system: str, root: Path) -> None:
    """Shows the card of a system."""
    say(system_card(last_report(root), system).rstrip())


def print_report(root: Path) -> None:
    """The last report in a few lines.

    Raises:
        ValueError: there is none, or one of another schema.
    """
    record = last_report(root)
    lines = []
    for name in record["system_order"]:
        metrics = record["systems"][name]["metrics"]
        values = [_figure(metrics.get(metric)) for metric in SHOWN]
        first = metrics[SHOWN[0]]
        lines.append([record["systems"][name]["title"], *values, str(first["n"]), str(first["n_failed"])])
    say_table(("system", *SHOWN, "n", "failed"), lines, 160)
    for answer in record.get("answers", []):
        say(Answer(**answer).line)
    if record.get("caution"):
        say(record["caution"])
    if record["stamp"]:
        say(f"{record['stamp']}: made or scored by {', '.join(record['stand_ins'])}")
    say(f"report: {root / REPORT_JSON.with_suffix('.html')}")


def print_sensitivity(path: Path) -> None:
    """Shows a ``sensitivity.json``: a row a value, a column a curve."""
    record = json.loads(path.read_text())
    titles = record["titles"]
    lines = [
        (f"{point['value']:g}", *(_with_interval(point["metrics"][name]) for name in titles))
        for point in record["points"]
    ]
    say_table((f"{record['title']} {record['unit']}".strip(), *titles.values()), lines, 200)
    if record["stamp"]:
        say(record["stamp"])


def _figure(estimate: Mapping[str, Any] | None) -> str:
    return "-" if not estimate or estimate["value"] is None else f"{estimate['value']:.3f}"


def _with_interval(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return "-"
    failed = f", {estimate['n_failed']} failed" if estimate["n_failed"] else ""
    interval = "" if estimate["low"] is None else f" [{estimate['low']:.3f}, {estimate['high']:.3f}]"
    return f"{_figure(estimate)}{interval} (n = {estimate['n']}{failed})"
