"""Parts of a song in time: labels of its lyrics placed by the times of their words, or the times that its files state.

A part begins with its first word and lasts to the next part; what follows the last word of a part and stands under a label
without words (``[Solo]`` before ``[Verse 2]``) is that part's, and several such share the seconds evenly, since nothing tells them apart.
What is sung before the first label is in no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from jam_model.words import Word
from tasks.lyrics.lyrics import Label
from tasks.lyrics.parts.section_labels import section_label

LABELS, TIMES, HEARD = "labels", "times", "heard"
"""Where a section comes from: labels placed by the words' times, times that a file states, the sound."""
SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a song: its label of `SECTION_LABELS`, its name as written (None: nobody wrote one), seconds, and its source."""

    label: str
    text: str | None
    start_s: float
    end_s: float
    source: str


def sections_of_labels(labels: Sequence[Label], words: Sequence[Word], duration_s: float) -> list[Section]:
    """The sections that labels name, in order and without overlap, by the times of the song's words.

    A label that stands behind the last word is of what follows it.
    """
    if not words:
        return []
    bounded = [replace(label, before=min(label.before, len(words))) for label in labels]
    ordered = sorted(bounded, key=lambda label: label.before)
    found: list[Section] = []
    place = 0
    while place < len(ordered):
        before = ordered[place].before
        together = [label for label in ordered if label.before == before]
        place += len(together)
        last = place == len(ordered)
        silent = together if before == len(words) else together[:-1]
        at_s = min(words[before - 1].end_s if before else 0.0, duration_s)
        sung_s = words[before].start_s if before < len(words) else duration_s
        found += _shared(silent, at_s, sung_s)
        if before < len(words):
            end_s = duration_s if last else _end_s(ordered, place, words)
            found.append(_section(together[-1], sung_s, end_s))
    return [section for section in found if section.end_s - section.start_s > SHORTEST_S]


def sections_of_times(parts: Sequence[Word], duration_s: float) -> list[Section]:
    """The sections that files state with their times, as far as they lie in the song."""
    inside = [(part, min(part.end_s, duration_s)) for part in parts if part.start_s < duration_s]
    return [
        Section(section_label(part.text), part.text, part.start_s, end_s, TIMES)
        for part, end_s in inside
        if end_s - part.start_s > SHORTEST_S
    ]


def rows_of_sections(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """As the column holds them."""
    return [asdict(section) for section in sections]


def _end_s(ordered: Sequence[Label], place: int, words: Sequence[Word]) -> float:
    """When a part with words ends that `ordered[place]` follows: with its last word where a part without words comes, else as the next begins."""
    after = ordered[place].before
    alone = after == len(words) or sum(label.before == after for label in ordered) > 1
    return words[after - 1].end_s if alone else words[after].start_s


def _shared(labels: Sequence[Label], start_s: float, end_s: float) -> list[Section]:
    step_s = (end_s - start_s) / max(1, len(labels))
    return [
        _section(label, start_s + place * step_s, start_s + (place + 1) * step_s)
        for place, label in enumerate(labels)
    ]


def _section(label: Label, start_s: float, end_s: float) -> Section:
    return Section(section_label(label.text), label.text, start_s, end_s, LABELS)
