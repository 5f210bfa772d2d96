"""A blind listening test (`ListeningKey`: trials and their sides A and B): listeners' answers read, and which of two systems people prefer, with intervals over songs.

The page knows trials and sides A and B alone; the key beside it knows the systems. A song's score is the mean over
its listeners of 1 (the left system preferred), 0 (the right one) or one half (no difference).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from eval.stats.intervals import Estimate, Resampling, mean
from eval.stats.significance import paired_p_value

QUESTIONS = {
    "enjoyment": "Which one do you enjoy more?",
    "style": "Which one is closer to the style that was asked for?",
}
_ANSWERS = {"A", "B", "same", ""}
COLUMNS = ("page", "listener", "trial", *QUESTIONS)


@dataclass(frozen=True)
class Side:
    """Which system made side A and side B of a trial."""

    song_id: str
    a: str
    b: str


@dataclass(frozen=True)
class ListeningKey:
    """What the page hides. `page` names the page that the key belongs to; `left` is the system that is scored."""

    page: str
    left: str
    right: str
    trials: Mapping[str, Side]
    made_by: Sequence[str] = ()

    def record(self) -> dict[str, Any]:
        """As ``key.json`` holds it."""
        sides = {name: {"song_id": one.song_id, "A": one.a, "B": one.b} for name, one in self.trials.items()}
        return {
            "page": self.page,
            "left": self.left,
            "right": self.right,
            "trials": sides,
            "made_by": list(self.made_by),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> ListeningKey:
        """What `record` gave."""
        sides = {name: Side(one["song_id"], one["A"], one["B"]) for name, one in record["trials"].items()}
        return cls(record["page"], record["left"], record["right"], sides, record["made_by"])


@dataclass(frozen=True)
class Preference:
    """How often listeners preferred the left system, by one question; 0.5 is no preference."""

    question: str
    left: str
    right: str
    estimate: Estimate  # over songs
    p_value: float | None  # of no preference
    num_listeners: int
    num_answers: int
    made_by: Sequence[str] = ()


def read_answers(key: ListeningKey, text: str) -> list[dict[str, str]]:
    """The rows of one downloaded CSV file.

    Raises:
        ValueError: it belongs to another page, or holds what this page cannot write.
    """
    reader = csv.DictReader(StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(f"columns are {reader.fieldnames}: a page of `jam listen` writes {list(COLUMNS)}")
    rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if row["page"] != key.page:
            raise ValueError(f"line {number} answers page {row['page']!r}, the key is of page {key.page!r}")
        if row["trial"] not in key.trials:
            raise ValueError(f"line {number} answers trial {row['trial']!r}, which the page does not have")
        wrong = [row[question] for question in QUESTIONS if row[question] not in _ANSWERS]
        if wrong:
            raise ValueError(f"line {number} answers {wrong[0]!r}: A, B, same or nothing")
    return rows


def preferences(
    key: ListeningKey, answers: Sequence[Mapping[str, str]], resampling: Resampling
) -> list[Preference]:
    """Each question's share of songs preferred from the left system; a song nobody judged counts as failed.

    A listener who answered a trial twice counts with the last answer.
    """
    latest = {(row["listener"], row["trial"]): row for row in answers}
    found = []
    for question in QUESTIONS:
        given = {place: row[question] for place, row in latest.items() if row[question]}
        scores = [_score(trial, side, given, key.left) for trial, side in key.trials.items()]
        halves = [None if score is None else 0.5 for score in scores]
        found.append(
            Preference(
                question,
                key.left,
                key.right,
                mean(scores, resampling),
                paired_p_value(scores, halves, resampling),
                len({listener for listener, _ in given}),
                len(given),
                key.made_by,
            )
        )
    return found


def _score(trial: str, side: Side, given: Mapping[tuple[str, str], str], left: str) -> float | None:
    values = {"A": float(side.a == left), "B": float(side.b == left), "same": 0.5}
    hypothesis = [values[answer] for (_, number), answer in given.items() if number == trial]
    return sum(hypothesis) / len(hypothesis) if hypothesis else None
