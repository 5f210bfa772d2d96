"""Numbers that others published, shown apart from ours: their protocol is not known to be ours.

eval/results/published.json holds only what a source states as a number; nothing read off a figure, nothing unverified. Those of JASCO, in
published_controls.json, are of a benchmark that asks for controls.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

NOT_COMPARABLE = "not comparable: protocol unknown"


@dataclass(frozen=True)
class PublishedRow:
    """One published number with its source; `metric` is the source's word for it, none of ours."""

    system: str
    metric: str
    value: float
    citation: str
    note: str = ""


def published_rows(controls: bool = False) -> list[PublishedRow]:
    """The cells of eval/results/published.json, in its order; behind them, with `controls`, those of published_controls.json."""
    names = ("published.json", *(["published_controls.json"] if controls else []))
    return [
        PublishedRow(**cell)
        for name in names
        for cell in json.loads((files("eval.results") / name).read_text("utf-8"))
    ]
