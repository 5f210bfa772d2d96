"""``jam sensitivity``: the curves of a test as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table as Grid

from flows.run.progress import console, say


def print_sensitivity(path: Path) -> None:
    """Shows a ``sensitivity.json``: a row a value, a column a curve."""
    record = json.loads(path.read_text())
    titles = record["titles"]
    grid = Grid(f"{record['title']} {record['unit']}".strip(), *titles.values(), box=None, pad_edge=False)
    for point in record["points"]:
        grid.add_row(f"{point['value']:g}", *(_cell(point["metrics"][name]) for name in titles))
    console(200).print(grid)
    if record["stamp"]:
        say(record["stamp"])


def _cell(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return "-"
    failed = f", {estimate['n_failed']} failed" if estimate["n_failed"] else ""
    interval = "" if estimate["low"] is None else f" [{estimate['low']:.3f}, {estimate['high']:.3f}]"
    return f"{estimate['value']:.3f}{interval} (n = {estimate['n']}{failed})"
