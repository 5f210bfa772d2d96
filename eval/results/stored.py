"""What it takes to read a report.json again: its schema, its systems by name or title, its answers; imports no numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA = 2
Verdict = Literal["yes", "no", "open"]
WORDS: dict[Verdict, str] = {"yes": "Yes", "no": "No, it made it worse", "open": "It cannot be told"}


@dataclass(frozen=True)
class Answer:
    """`text` says what was measured, `reason` why it answers nothing, where it does not."""

    question: str
    verdict: Verdict
    text: str
    reason: str = ""

    @property
    def line(self) -> str:
        """In one line."""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.question} {WORDS[self.verdict]}{why}. {self.text}"


def system_named(record: Mapping[str, Any], said: str) -> str:
    """The name of a system of a report, which people may call by the title that the table shows.

    Raises:
        ValueError: the report has no such system.
    """
    titles = {record["systems"][name]["title"]: name for name in record["system_order"]}
    name = titles.get(said, said)
    if name not in record["systems"]:
        known = ", ".join(f"{name} ({title})" for title, name in titles.items())
        raise ValueError(f"system: {said!r} is not in this report; it has {known}")
    return name
