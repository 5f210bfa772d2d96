"""What it takes to read a report.json again: the number of its schema, and the answers at its head; imports no numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
