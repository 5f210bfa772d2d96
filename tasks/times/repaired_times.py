"""Word times that somebody else wrote, a language model say: spans held against the words that were asked, filled and repaired, every repair counted.

What is read is JSON, also within prose or a code fence: a list of words with their start and end. The given words decide: each
has a time in the end, in order, within the song, and none overlaps the next. What is left of the written times after that is
kept as it stands, so that a good file comes through unchanged. Too little of it, and it is refused in one line.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.lyrics import share
from tasks.times.written_rows import Row, written_rows

LEAST_SHARE = 0.5
"""Of the given words so many must have a time of their own."""
LEAST_WORD_S, FILLED_WORD_S = 0.02, 0.4
"""The shortest word, and how long a word without a time is at most where nothing behind it bounds it."""
MINUTES_BELOW, MILLISECONDS_ABOVE = 1 / 20, 100.0
"""Last times below this share of the song are minutes, above this multiple milliseconds."""
MANY_LATE = 0.1
"""From this share of words behind the song's end on, all are scaled into it."""
KINDS = {
    "bad_time": "times that are no seconds",
    "unit": "times in minutes or milliseconds",
    "reversed": "words from the last to the first",
    "respelt": "words written otherwise",
    "split": "words written as one",
    "extra": "words that were not asked for",
    "missing": "words without a time",
    "swapped": "ends before starts",
    "order": "words before the one they follow",
    "past_end": "words behind the song's end",
    "scaled": "words scaled into the song",
    "no_end": "words without an end",
    "overlap": "words that overlap the next",
    "no_length": "words without a length",
}
"""What each repair is of."""


@dataclass(frozen=True)
class RepairedTimes:
    """The given words in time, and how often each of `KINDS` was repaired; a file without faults has none."""

    words: list[Word]
    repairs: Mapping[str, int]

    @property
    def told(self) -> str:
        """In words, for one line."""
        found = [f"{KINDS[kind]} ({count})" for kind, count in self.repairs.items()]
        return ", ".join(found) or "nothing to repair"


def repaired_times(asked: Sequence[str], text: str, duration_s: float) -> RepairedTimes:
    """A time for each of the given words, of a song of this length, from what somebody wrote.

    Raises:
        Refused: ``times_malformed`` or ``times_missing``: no list of words with times, or too few of the asked ones in it.
    """
    repairs: Counter[str] = Counter()
    rows = _in_seconds(list(written_rows(text, len(asked), repairs)), duration_s, repairs)
    spans = _of_asked(asked, rows, repairs)
    spans = [_turned(row, repairs) for row in spans]
    spans = _within(spans, duration_s, repairs)
    spans = _in_order(spans, repairs)
    timed = _apart(spans, duration_s, repairs)
    known = sum(span is not None for span in timed)
    if known < LEAST_SHARE * len(asked):
        raise Refused(
            "times_missing",
            f"{known} of {len(asked)} words have a time that can be used; give one for each, in seconds",
        )
    repairs["missing"] = len(asked) - known
    words = _filled(asked, timed, duration_s)
    return RepairedTimes(words, {kind: repairs[kind] for kind in KINDS if repairs[kind]})


def _in_seconds(rows: list[Row], duration_s: float, repairs: Counter[str]) -> list[Row]:
    """Rows in seconds, where the last of them show that they are in minutes or milliseconds."""
    ends = sorted(time for row in rows for time in (row.start_s, row.end_s) if time is not None)
    late = ends[int(0.9 * (len(ends) - 1))] if ends else duration_s
    unit_s = 1.0
    if late < MINUTES_BELOW * duration_s and 60 * late < 1.2 * duration_s:
        unit_s = 60.0
    elif late > MILLISECONDS_ABOVE * duration_s:
        unit_s = 0.001
    if unit_s == 1.0:
        return rows
    repairs["unit"] = len(rows)
    return [
        replace(
            row,
            start_s=None if row.start_s is None else row.start_s * unit_s,
            end_s=None if row.end_s is None else row.end_s * unit_s,
        )
        for row in rows
    ]


def _of_asked(asked: Sequence[str], rows: list[Row], repairs: Counter[str]) -> list[Row | None]:
    """The row of each asked word, by its letters and, between two that agree, by its place."""
    starts = [row.start_s for row in rows if row.start_s is not None]
    falling = sum(after < before for before, after in pairwise(starts))
    if falling > 0.8 * max(1, len(starts) - 1):
        repairs["reversed"] = len(rows)
        rows = rows[::-1]
    names = [_letters_and_digits(word) for word in asked]
    matcher = SequenceMatcher(None, names, [_letters_and_digits(row.text) for row in rows], autojunk=False)
    found: list[Row | None] = [None] * len(asked)
    used = 0
    for kind, first, end, other, other_end in matcher.get_opcodes():
        if kind == "equal" or (kind == "replace" and end - first == other_end - other):
            found[first:end] = rows[other:other_end]
            used += end - first
            repairs["respelt"] += (end - first) * (kind == "replace")
    repairs["extra"] = len(rows) - used
    return found


def _letters_and_digits(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum()) or word


def _turned(row: Row | None, repairs: Counter[str]) -> Row | None:
    """The row with its start before its end; None without a start."""
    if row is None or row.start_s is None:
        return None
    if row.end_s is not None and row.end_s < row.start_s:
        repairs["swapped"] += 1
        return replace(row, start_s=row.end_s, end_s=row.start_s)
    return row


def _within(spans: Sequence[Row | None], duration_s: float, repairs: Counter[str]) -> list[Row | None]:
    """Rows within the song: scaled into it where many begin behind its end, else those few lose their time."""
    last_s = max((_end(span) for span in spans if span is not None), default=0.0)
    late = sum(span is not None and _start(span) >= duration_s for span in spans)
    if late > MANY_LATE * len(spans):
        scale = duration_s / last_s
        repairs["scaled"] = len(spans)
        return [
            span
            and replace(
                span, start_s=_start(span) * scale, end_s=None if span.end_s is None else span.end_s * scale
            )
            for span in spans
        ]
    within: list[Row | None] = []
    for span in spans:
        if span is not None and _end(span) > duration_s + 5e-4:
            repairs["past_end"] += 1
            is_in = _start(span) < duration_s - LEAST_WORD_S
            span = replace(span, end_s=duration_s) if is_in else None
        within.append(span)
    return within


def _in_order(spans: Sequence[Row | None], repairs: Counter[str]) -> list[Row | None]:
    """The most words whose starts rise; the others lose their time."""
    tails: list[float] = []
    places: list[int] = []
    before: dict[int, int | None] = {}
    for place, span in enumerate(spans):
        if span is None:
            continue
        at = bisect_right(tails, _start(span))
        before[place] = places[at - 1] if at else None
        tails[at : at + 1], places[at : at + 1] = [_start(span)], [place]
    kept: set[int] = set()
    last = places[-1] if places else None
    while last is not None:
        kept.add(last)
        last = before[last]
    repairs["order"] = len(before) - len(kept)
    return [span if place in kept else None for place, span in enumerate(spans)]


def _apart(
    spans: Sequence[Row | None], duration_s: float, repairs: Counter[str]
) -> list[tuple[float, float] | None]:
    """Start and end of each word that has a time: its end where none was written, and before the next start."""
    timed: list[tuple[float, float] | None] = []
    next_s = duration_s
    for span in reversed(spans):
        if span is None:
            timed.append(None)
            continue
        start_s, end_s = _start(span), span.end_s
        if end_s is None:
            repairs["no_end"] += 1
            end_s = min(next_s, start_s + FILLED_WORD_S)
        elif end_s > next_s + 5e-4:
            repairs["overlap"] += 1
        end_s = min(end_s, next_s)
        if end_s - start_s < LEAST_WORD_S:
            repairs["no_length"] += 1
            timed.append(None)
            continue
        timed.append((start_s, end_s))
        next_s = start_s
    return timed[::-1]


def _filled(
    asked: Sequence[str], timed: Sequence[tuple[float, float] | None], duration_s: float
) -> list[Word]:
    """The words in time; those without share what lies between their neighbours, who give way where that is too little."""
    spans = [*timed]
    words: list[Word] = []
    first = 0
    while first < len(asked):
        span = spans[first]
        if span is not None:
            words.append(Word(asked[first], *span))
            first += 1
            continue
        end = first
        while end < len(asked) and spans[end] is None:
            end += 1
        low_s = words[-1].end_s if words else 0.0
        high_s = _first_start(spans[end:], duration_s)
        if high_s - low_s < LEAST_WORD_S * (end - first):
            if words:
                words.pop()
                first -= 1
                spans[first] = None
            elif end < len(asked):
                spans[end] = None
            else:
                raise Refused(
                    "times_missing",
                    f"{len(asked)} words have no room in {duration_s:g} s; give a longer song",
                )
            continue
        most_s = FILLED_WORD_S * (end - first)
        if end == len(asked):
            high_s = min(high_s, low_s + most_s)
        elif not words:
            low_s = max(low_s, high_s - most_s)
        words += share(asked[first:end], low_s, high_s)
        first = end
    return words


def _first_start(spans: Sequence[tuple[float, float] | None], duration_s: float) -> float:
    return next((span[0] for span in spans if span is not None), duration_s)


def _start(span: Row) -> float:
    assert span.start_s is not None, "what has no start is no span"
    return span.start_s


def _end(span: Row) -> float:
    return max(_start(span), -math.inf if span.end_s is None else span.end_s)
