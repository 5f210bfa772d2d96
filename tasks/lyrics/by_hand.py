"""Words that a person set in place of those of a song's lyrics; what the file states of other things stays by its word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from tasks.edits.times import words_hash
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Remark

ASIDE = "edit_set_aside"
FORM = "by hand"


def worded_by_hand(said: Mapping[str, Any] | None, lyrics: Lyrics | None) -> Lyrics | None:
    """The lyrics with the words that a person set, where they were set on the words that the file has; else as they are,
    with a remark. The file's own times go: those that were set with the words come to `align`.
    """
    if said is None or "words" not in said:
        return lyrics
    before = lyrics or Lyrics([])
    if said["made_on"] != words_hash(before.words):
        aside = Remark(ASIDE, 0, "words set by hand are of other lyrics")
        return replace(before, remarks=[*before.remarks, aside])
    words = list(said["words"])
    places = _places(before.words, words)
    starts = [_next(places, start) for start in before.line_starts or ()]
    labels = [
        replace(one, before=place)
        for one in before.labels
        if (place := _next(places, one.before)) is not None
    ]
    return Lyrics(
        words,
        line_starts=None
        if before.line_starts is None
        else sorted({0, *(one for one in starts if one is not None)}),
        notes=[replace(one, word=places[one.word]) for one in before.notes if one.word in places],
        labels=labels,
        remarks=before.remarks,
        form=before.form or FORM,
        language=before.language,
    )


def _places(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Where each word that stayed is now."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _next(places: Mapping[int, int], old: int) -> int | None:
    """Where the first word from `old` on is now that stayed; None where none did."""
    later = [place for place in places if place >= old]
    return places[min(later)] if later else None
