"""The page of a blind listening test: trials of two candidates A and B, two questions each, the answers as a CSV file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eval.pages.frame import html_page
from eval.results.listening_test import COLUMNS, QUESTIONS
from eval.results.plural import counted


@dataclass(frozen=True)
class Trial:
    """One song by both systems, as MP3 at one loudness; `style`: the sound of the style that was asked for."""

    name: str
    title: str
    a: bytes
    b: bytes
    style: bytes | None = None


def blind_html(page: str, trials: Sequence[Trial]) -> str:
    """The page as text; nothing in it says which system is which."""
    embedded: dict[str, str] = {}
    shown = [_trial_json(trial, embedded) for trial in trials]
    return html_page(
        "Which one?",
        ["page.css", "blind.css"],
        ["player.js", "blind.js"],
        '<header><p class="kicker">Blind listening test</p><h1>Which one?</h1>'
        f'<p class="subtitle">{counted(len(trials), "song")}, each in two versions. The sides are dealt anew for every song, and both '
        "are equally loud.</p></header>",
        [("trials", "Listen and choose", _BODY)],
        {"page": page, "trials": shown, "questions": QUESTIONS, "columns": COLUMNS},
        embedded,
    )


_BODY = (
    '<p class="quiet">Listen to both before you choose; headphones help. Answers stay on this machine until you '
    "download them.</p>"
    '<noscript><p class="quiet">This page needs its script.</p></noscript><div id="trials-list"></div>'
    '<form id="finish"><label>Your name or initials <input id="listener" maxlength="40" autocomplete="off" required>'
    '</label><button type="submit" class="step">Download the answers</button><p id="progress" role="status"></p></form>'
)


def _trial_json(trial: Trial, embedded: dict[str, str]) -> dict[str, Any]:
    sounds = {}
    for side, data in (("A", trial.a), ("B", trial.b), ("style", trial.style)):
        if data is not None:
            sounds[side] = f"audio-{len(embedded)}"
            embedded[sounds[side]] = base64.b64encode(data).decode("ascii")
    return {"name": trial.name, "title": trial.title, "sounds": sounds}
