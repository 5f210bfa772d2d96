"""``jam card``: what a paper says of one system of the last report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.report.card import system_card
from eval.results.report_json import SCHEMA
from flows.run.progress import say

REPORT_JSON = Path("reports/benchmark/report.json")


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
