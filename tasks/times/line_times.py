"""Times of lines (an .lrc's stamps), checked, shifted or set aside before they bind the words that are aligned within them.

They are typed by hand, for some edition of a song. Where every line starts near its time nothing more is done.
Else the words are aligned without them as well: lines that are all off by a constant are shifted, a line that fits
nowhere binds nothing, and where none fit they are set aside, all of it told. Most lines found where they say are
enough; else what fits is judged by the aligner's scores, since it may take one chorus for another.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jam_model.words import Word, words_of
from tasks.engine.song import Refused
from tasks.models.aligner import Line, mean_score
from tasks.times.time_offsets import lateness, likely_offsets

AS_WELL = 0.03
"""Scores (means of words, in [0, 1]) that differ by less are equal."""
WORSE = 0.1
"""A line scores worse than without its time if it loses more."""

Align = Callable[[Sequence[Line] | None], list[Word]]
"""Aligns a song's words, within lines or free; raises `Refused`."""


@dataclass(frozen=True)
class Aligned:
    """A song's words as the aligner places them, and what became of the times they were to be bound by.

    Attributes:
        offset_s: how late those were, and are shifted by; None where they are not shifted.
        remark: what did not fit, in a line; None where all did.
    """

    words: list[Word]
    offset_s: float | None = None
    remark: str | None = None


def lines_of(rows: Sequence[Mapping[str, Any]] | None) -> list[Line] | None:
    """Timed lines, a row of `lyrics_lines` each, as ranges of word numbers."""
    if rows is None:
        return None
    lines, first = [], 0
    for line in words_of(rows):
        end = first + len(line.text.split(" "))
        lines.append(Line(first, end - 1, line.start_s, line.end_s))
        first = end
    return lines


def lines_among(lines: Sequence[Line], places: Sequence[int]) -> list[Line]:
    """The same lines over the words at `places` (ascending) only; a line of which none is left goes."""
    kept = []
    for line in lines:
        first, end = bisect_left(places, line.first), bisect_right(places, line.last)
        if first < end:
            kept.append(Line(first, end - 1, line.start_s, line.end_s))
    return kept


def align_within(
    align: Align, texts: Sequence[str], lines: Sequence[Line], end_s: float, near_s: float
) -> Aligned:
    """The words aligned within their lines, as far as the lines' times can be believed.

    Args:
        texts: the words.
        end_s: the song's length; a time at it, or at 0, may have been cut there and says little.
        near_s: a line that starts within it of its time agrees.

    Raises:
        Refused: the words cannot be aligned, with or without lines.
    """
    bound = within(align, lines)
    if bound is not None and all(_is_near(line, bound, near_s) for line in lines):
        return Aligned(bound)
    try:
        free = align(None)
    except Refused:
        if bound is None:
            raise
        return Aligned(bound, remark="the times of lines could not be checked: the song is too long for that")
    stamped = [0 < line.start_s < end_s and bool(free[line.first].score) for line in lines]
    offsets_s = likely_offsets(
        [" ".join(texts[line.first : line.last + 1]) for line in lines],
        [line.start_s if states else None for line, states in zip(lines, stamped, strict=True)],
        [free[line.first].start_s if free[line.first].score else None for line in lines],
        2 * near_s,
    )
    for offset_s in offsets_s:
        late_s = offset_s if abs(offset_s) > near_s else 0.0
        moved = shifted(lines, late_s, end_s) if late_s else list(lines)
        aligned = _fitting(align, moved, free, bound if not late_s else within(align, moved), near_s)
        if aligned is not None:
            told = [f"lines are {lateness(late_s)}, shifted"] if late_s else []
            told += [aligned.remark] if aligned.remark else []
            return Aligned(aligned.words, late_s or None, "; ".join(told) or None)
    return Aligned(free, remark="the times of lines fit nowhere and are set aside")


def shifted(lines: Sequence[Line], late_s: float, end_s: float) -> list[Line]:
    """The lines `late_s` earlier. A time at the song's start or end was cut there, so it stays where it bounds least."""
    return [
        replace(
            line,
            start_s=0.0 if line.start_s <= 0 else max(0.0, line.start_s - late_s),
            end_s=end_s if line.end_s >= end_s else max(0.0, min(end_s, line.end_s - late_s)),
        )
        for line in lines
    ]


def without(lines: Sequence[Line], aside: Sequence[bool]) -> list[Line]:
    """The lines but those set aside; a line before such a one may last as long as both did."""
    kept: list[Line] = []
    for line, goes in zip(lines, aside, strict=True):
        if not goes:
            kept.append(line)
        elif kept and kept[-1].end_s >= line.start_s:
            kept[-1] = replace(kept[-1], end_s=max(kept[-1].end_s, line.end_s))
    return kept


def within(align: Align, lines: Sequence[Line]) -> list[Word] | None:
    """The words within the lines; None where those leave no room."""
    try:
        return align(lines)
    except Refused as error:
        if error.reason != "line_times":
            raise
        return None


def _fitting(
    align: Align, lines: Sequence[Line], free: list[Word], bound: list[Word] | None, near_s: float
) -> Aligned | None:
    """The words within lines that are where they belong, but for some; None where neither places nor scores say so.

    `free`, `bound`: the words without lines, and within all of them; None: those leave no room.
    """
    far = [not _is_near(line, free, 2 * near_s) for line in lines]
    aside = [
        is_far and (bound is None or _score(line, bound) < _score(line, free) - WORSE)
        for line, is_far in zip(lines, far, strict=True)
    ]
    if any(aside):
        bound = within(align, without(lines, aside)) if 2 * sum(aside) < len(lines) else None
    if bound is None:
        return None
    if 2 * sum(far) >= len(lines) and mean_score(bound) < mean_score(free) - AS_WELL:
        return None
    remark = f"the times of {sum(aside)} of {len(lines)} lines fit nowhere and are set aside"
    return Aligned(bound, remark=remark if any(aside) else None)


def _is_near(line: Line, words: Sequence[Word], near_s: float) -> bool:
    """Whether a line starts where it says, as far as its first word can be heard."""
    first = words[line.first]
    return not first.score or abs(line.start_s - first.start_s) <= near_s


def _score(line: Line, words: Sequence[Word]) -> float:
    return float(np.mean([word.score or 0.0 for word in words[line.first : line.last + 1]]))
