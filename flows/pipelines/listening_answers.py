"""What listeners answered: the keys of listening pages, and the preferences that their CSV files tell."""

from __future__ import annotations

import json
from pathlib import Path

from eval.results.listening_test import ListeningKey, Preference, preferences, read_answers
from eval.stats.intervals import Resampling
from flows.settings.project import WorkFolder

LISTEN = "listen"


KEY = "key.json"


def standing_preferences(work: WorkFolder, resampling: Resampling) -> list[Preference]:
    """What the answers beside every key say; pages nobody answered are left out.

    Raises:
        ValueError: a CSV file beside a key is not of its page.
    """
    found: list[Preference] = []
    for place in sorted(work.report(LISTEN).glob(f"*/{KEY}")):
        key = ListeningKey.of(json.loads(place.read_text()))
        answers = [row for path in sorted(place.parent.glob("*.csv")) for row in _answers(key, path)]
        found += preferences(key, answers, resampling) if answers else []
    return found


def _answers(key: ListeningKey, path: Path) -> list[dict[str, str]]:
    try:
        return read_answers(key, path.read_text())
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}; take it out of {path.parent}") from error
