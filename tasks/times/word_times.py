"""Times of words that came with the lyrics, checked before they are kept (`check_words`): late ones shifted, runs found elsewhere emptied, all dropped where none fit; each told.

The words are always aligned without them. Times that are all off by a constant are shifted, runs of words that are
found elsewhere lose theirs, and where none fit all do, each of it told. What fits is judged by the aligner's scores
where its places alone cannot tell, since it may take one chorus for another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from jam_model.words import Word
from tasks.models.aligner import Line, mean_score
from tasks.times.line_times import AS_WELL, WORSE, Align, within
from tasks.times.time_offsets import lateness, likely_offsets

SET_ASIDE = "the times of words fit nowhere and are set aside"


@dataclass(frozen=True)
class Checked:
    """Times that can be kept, and where the aligner places the words.

    Attributes:
        given: of every word; None where it has none, or none that fits.
        offset_s: how late they were, and are shifted by; None where they are not shifted.
        remark: what did not fit, in a line; None where all did.
    """

    given: list[Word | None]
    aligned: list[Word]
    offset_s: float | None = None
    remark: str | None = None


def check_words(
    align: Align,
    given: Sequence[Word | None],
    aligned: Sequence[Word],
    duration_s: float,
    max_offset_s: float,
    far_s: float,
) -> Checked:
    """The given times as far as they can be believed.

    Args:
        given: a word without a time is None, an end that is not stated inf.
        aligned: the same words, aligned without these times.
        duration_s: the song's length; what lies outside of it states nothing.
        max_offset_s: how far the median may be off, and how far times may scatter around it.
        far_s: a word that is off by more is in another place.

    Raises:
        Refused: the words cannot be aligned.
    """
    free, stated = list(aligned), [_within_song(word, duration_s) for word in given]
    found, late_s, moved, told = free, 0.0, stated, []
    late_W = _late(stated, free)
    if len(late_W):
        offset_s = float(np.median(late_W))
        if np.median(np.abs(late_W - offset_s)) > max_offset_s:
            bound = _where_they_fit(align, stated, free, duration_s, far_s / 2)
            if bound is None:
                return Checked([None] * len(stated), free, remark=SET_ASIDE)
            found, offset_s = bound, float(np.median(_late(stated, bound)))
        if abs(offset_s) > max_offset_s:
            late_s, moved = offset_s, _shifted(stated, offset_s, duration_s)
            told.append(f"words are {lateness(late_s)}, shifted")
        aside = _elsewhere(align, moved, free, duration_s, far_s)
        moved = [None if place in aside else word for place, word in enumerate(moved)]
    lost = sum(word is not None and kept is None for word, kept in zip(given, moved, strict=True))
    if lost:
        told.append(f"the times of {lost} of {len(stated)} words fit nowhere and are set aside")
    return Checked(moved, found, late_s or None, "; ".join(told) or None)


def _within_song(word: Word | None, duration_s: float) -> Word | None:
    """The word as far as its time says something: in the song, and with an end behind its start."""
    if word is None or word.start_s >= duration_s or word.end_s <= 0:
        return None
    return word if word.start_s < word.end_s else replace(word, end_s=math.inf)


def _late(given: Sequence[Word | None], aligned: Sequence[Word]) -> np.ndarray:
    """Given starts minus aligned ones, [W], of the words that have both and could be listened for."""
    pairs = zip(given, aligned, strict=True)
    return np.array([word.start_s - found.start_s for word, found in pairs if word and found.score])


def _shifted(given: Sequence[Word | None], late_s: float, duration_s: float) -> list[Word | None]:
    """The words `late_s` earlier; a start or an end at the song's own was cut there, and is not known."""
    moved: list[Word | None] = []
    for word in given:
        if word is None or (late_s < 0 and word.start_s <= 0):
            moved.append(None)
            continue
        start_s, end_s = max(0.0, word.start_s - late_s), word.end_s - late_s
        if end_s <= 0 or start_s >= duration_s:
            moved.append(None)
        else:
            end_s = math.inf if word.end_s >= duration_s else min(end_s, duration_s)
            moved.append(replace(word, start_s=start_s, end_s=end_s))
    return moved


def _where_they_fit(
    align: Align, given: Sequence[Word | None], free: Sequence[Word], duration_s: float, reach_s: float
) -> list[Word] | None:
    """The words aligned within the given times, less what those may be late by; None where they score worse so."""
    offsets_s = likely_offsets(
        [word.text for word in free],
        [word.start_s if word else None for word in given],
        [word.start_s if word.score else None for word in free],
        reach_s,
    )
    for offset_s in (*offsets_s, 0.0):
        bound = within(align, _as_lines(_shifted(given, offset_s, duration_s), duration_s))
        if bound is not None and mean_score(bound) >= mean_score(free) - AS_WELL:
            return bound
    return None


def _elsewhere(
    align: Align, given: Sequence[Word | None], free: Sequence[Word], duration_s: float, far_s: float
) -> set[int]:
    """The words of runs that are found far from where they are said to be, and score worse there."""
    far = [
        word is not None and bool(found.score) and abs(word.start_s - found.start_s) > far_s
        for word, found in zip(given, free, strict=True)
    ]
    if not any(far):
        return set()
    bound = within(align, _as_lines(given, duration_s))
    aside: set[int] = set()
    for is_far, run in groupby(range(len(far)), key=far.__getitem__):
        places = list(run)
        if is_far and (bound is None or _score(bound, places) < _score(free, places) - WORSE):
            aside.update(places)
    return aside


def _as_lines(given: Sequence[Word | None], duration_s: float) -> list[Line]:
    """Each word that has a time as a line of its own."""
    timed = [(place, word) for place, word in enumerate(given) if word is not None]
    return [Line(place, place, word.start_s, min(word.end_s, duration_s)) for place, word in timed]


def _score(words: Sequence[Word], places: Sequence[int]) -> float:
    return mean_score([words[place] for place in places])
