"""Numbers that others published, shown apart from ours: their protocol is not known to be ours.

eval/results/published.json holds only what a source states as a number; nothing read off a figure, nothing unverified.
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


def published_rows() -> list[PublishedRow]:
    """The cells of eval/results/published.json, in its order."""
    return [
        PublishedRow(**cell)
        for cell in json.loads((files("eval.results") / "published.json").read_text("utf-8"))
    ]
