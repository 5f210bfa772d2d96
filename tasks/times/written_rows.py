"""A list of words with times in a text that somebody wrote: JSON (entries, clocks), bare, within prose or in a code fence, as rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.engine.song import Refused
from tasks.lyrics.lyrics import share
from tasks.lyrics.parts.json_value import parsed, text_of

STARTS = ("start", "start_s", "start_time", "startTime", "begin", "from", "time", "timestamp", "t", "onset")
ENDS = ("end", "end_s", "end_time", "endTime", "stop", "to", "offset")
LENGTHS = ("duration", "duration_s", "length", "dur")
CLOCK = re.compile(r"(?:(\d{1,3}):)?(?:(\d{1,3}):)?(\d{1,9}(?:[.,]\d{1,9})?)\s*(?:s|sec|secs|seconds)?", re.I)
FENCE = re.compile(r"```[A-Za-z]*\s*(.*?)```", re.DOTALL)
MAX_DEPTH, MAX_CLOCK = 4, 40


@dataclass(frozen=True)
class Row:
    """What was written of a word; None for a time that is none."""

    text: str
    start_s: float | None
    end_s: float | None


def written_rows(text: str, num_asked: int, repairs: Counter[str]) -> Iterator[Row]:
    """The rows of the longest list of words in the text, those of several words as several; counts in `repairs` what had to be read
    otherwise than it stands.

    Raises:
        Refused: ``times_malformed``: there is no such list, or one far longer than the lyrics.
    """
    found = max(_lists(_value(text), 0), key=len, default=[])
    if not found:
        raise Refused(
            "times_malformed", 'no list of words with times; give JSON such as [{"word", "start", "end"}]'
        )
    if len(found) > 4 * num_asked + 100:
        raise Refused("times_malformed", f"{len(found)} rows for {num_asked} words; give one a word")
    for entry in found:
        said = text_of(entry) or ""
        start, end, length = (_named(entry, names) for names in (STARTS, ENDS, LENGTHS))
        start_s, end_s, length_s = (_seconds(value, repairs) for value in (start, end, length))
        if start_s is not None and end_s is None and length_s is not None:
            end_s = start_s + length_s
        words = said.split()
        if len(words) > 1 and start_s is not None and end_s is not None and end_s > start_s:
            repairs["split"] += 1
            yield from (Row(word.text, word.start_s, word.end_s) for word in share(words, start_s, end_s))
        else:
            yield from (Row(word, start_s, end_s) for word in words)


def _value(text: str) -> Any:
    """The JSON of a text, of its longest code fence, or between its first and last bracket; None where there is none."""
    inside = max(FENCE.findall(text), key=len, default="")
    for part in (text, inside):
        if (value := parsed(part.strip())) is not None:
            return value
    first = min((text.find(bracket) for bracket in "[{" if bracket in text), default=-1)
    last = max(text.rfind("]"), text.rfind("}"))
    return parsed(text[first : last + 1]) if 0 <= first < last else None


def _lists(value: Any, depth: int) -> Iterator[list[dict[str, Any]]]:
    """Every list of rows in a value; rows that are [word, start, end] are told by their names."""
    if depth > MAX_DEPTH or not isinstance(value, list | dict):
        return
    if isinstance(value, list):
        rows = [row for entry in value if (row := _row_of(entry)) is not None]
        if rows:
            yield rows
    for inner in value if isinstance(value, list) else value.values():
        yield from _lists(inner, depth + 1)


def _row_of(entry: Any) -> dict[str, Any] | None:
    if isinstance(entry, dict):
        return entry if isinstance(text_of(entry), str) else None
    if isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str):
        return dict(zip(("word", "start", "end"), entry, strict=True))
    return None


def _named(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _seconds(value: Any, repairs: Counter[str]) -> float | None:
    """A time from 0 on, also as ``1:05.2`` or ``65.2 s``; None where it is none."""
    if value is None:
        return None
    if isinstance(value, str):
        clock = CLOCK.fullmatch(value.strip()) if len(value) <= MAX_CLOCK else None
        if clock is not None:
            repairs["bad_time"] += 1  # a text where a number was due
            first, second, last = clock.groups()
            minutes = 60 * int(first or 0) + int(second) if second else int(first or 0)
            return 60 * minutes + float(last.replace(",", "."))
    elif type(value) in (int, float) and 0 <= value < 1e9:  # neither a truth nor NaN
        return float(value)
    repairs["bad_time"] += 1
    return None
