"""JSON that others wrote: its value, or a row a line, and the many names that a text, its phones, language, unit (s, ms) and times (start, end, duration) go by.

Numbers of seconds may stand as text ("1.5", "1.5s", "0:01.5"). Times under names that say no unit are milliseconds
where all of a file are whole numbers and a word or line would last a minute: no song is so slow.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from jam_model.words import Word
from tasks.lyrics.parts.written import Remark, seconds

NEMO_FRAME_S = 0.08
"""A step of `start_offset` and `end_offset`: the recogniser's output frame, onto which its times fall too."""
MS = 0.001
TIMES: tuple[tuple[str, str, str, float | None], ...] = (
    ("start", "end", "duration", None),
    ("startTimeMs", "endTimeMs", "durationMs", MS),
    ("tStartMs", "tEndMs", "dDurationMs", MS),
    ("start_ms", "end_ms", "duration_ms", MS),
    ("startMs", "endMs", "durationMs", MS),
    ("startTime", "endTime", "duration", None),
    ("start_time", "end_time", "duration", None),
    ("start_s", "end_s", "duration_s", 1.0),
    ("startS", "endS", "durationS", 1.0),
    ("begin", "end", "duration", None),
    ("ts", "te", "duration", None),
    ("from", "to", "duration", None),
    ("time", "end", "duration", None),
    ("start_offset", "end_offset", "duration_offset", NEMO_FRAME_S),
)
"""Names of a start, an end and a length, and their unit in seconds; None where the numbers themselves tell it."""
PAIRS = ("timestamp", "timestamps")
TEXTS = (
    *(
        "word",
        "text",
        "punctuated_word",
        "token",
        "c",
        "utf8",
        "words",
        "line",
        "lyric",
        "lyrics",
        "sentence",
    ),
    *("segment", "content", "data", "originalText", "x", "lines"),
)
PHONES = "phones"
PHONE_TEXTS = ("phone", "phoneme", "text", "label")
POSITION = re.compile(r"_[BIES]$")
"""Where in its word a phone stands, as Kaldi's models mark it."""
LANGUAGE = ("language", "vocal_language", "lang")
CLOCK = re.compile(r"\s*(?:(\d{1,3}):)?(?:(\d{1,3}):)?(\d{1,9}(?:[.,]\d{1,9})?)\s*s?\s*")
LONGEST_WORD = 50
"""A median length above this is one in milliseconds."""
MAX_DIGITS = 20


def parsed(text: str) -> Any:
    """The value of a JSON text, or a list of the objects of its lines; None where it is neither."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError:
        return None
    except ValueError:
        rows = [line for line in text.splitlines() if line.strip()]
        if len(rows) < 2 or not all(row.lstrip().startswith("{") for row in rows):
            return None
    try:
        return [json.loads(row, parse_int=_whole_number) for row in rows]
    except (ValueError, RecursionError):
        return None


def text_of(row: Mapping[str, Any]) -> str | None:
    """A row's text under the name it goes by; None where it has none."""
    for key in TEXTS:
        value = row.get(key)
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            value = " ".join(value)
        if isinstance(value, str):
            return clean(value)
    choices = row.get("alternatives")  # AWS has a word's text in its likeliest reading
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        value = choices[0].get("content")
        return clean(value) if isinstance(value, str) else None
    return None


def language_of(value: Any) -> str:
    """The language that an object says it is in, as Whisper's results and sidecars of songs do; empty where none does."""
    row = value[0] if isinstance(value, list) and len(value) == 1 else value
    found = [row.get(key) for key in LANGUAGE] if isinstance(row, dict) else []
    return next((text for text in found if isinstance(text, str) and text), "")


def phones_in(lines: Iterable[tuple[Any, Sequence[Any]]]) -> tuple[Word, ...]:
    """The phones in time that the words of lines hold as ``phones``: each with a start and an end, or as gentle has them with a length
    from the word's start on. One without a text or a time is left out.
    """
    words = [word for _, inner in lines for word in inner if isinstance(word, dict)]
    words = [word for word in words if isinstance(word.get(PHONES), list)]
    unit_s = unit_of(words)
    return tuple(phone for word in words for phone in _phones(word, unit_s))


def _phones(word: Mapping[str, Any], unit_s: float) -> Iterator[Word]:
    at_s, _ = times(word, 0, [], unit_s)
    for row in word[PHONES]:
        if not isinstance(row, dict):
            continue
        follows = {} if has_time(row) or at_s is None else {"start": at_s / unit_s}
        start_s, end_s = times({**row, **follows}, 0, [], unit_s)
        text = next((row[key] for key in PHONE_TEXTS if isinstance(row.get(key), str)), "")
        text = POSITION.sub("", clean(text).strip())
        at_s = end_s
        if text and start_s is not None and end_s is not None and start_s < end_s:
            yield Word(text, start_s, end_s)


def clean(text: str) -> str:
    """A JSON string without what is no letter in any encoding: half surrogates and NUL."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "")


def unit_of(rows: Iterable[Mapping[str, Any]]) -> float:
    """Seconds a unit of the times whose names say none."""
    starts, lengths = [], []
    for row in rows:
        start, end, length, unit_s = _stated(row)
        if unit_s is not None:
            continue
        values = [_number(value) for value in (start, end, length) if value is not None]
        if any(value is None or value != int(value) for value in values):
            return 1.0
        start_s, end_s, length_s = _number(start), _number(end), _number(length)
        if start_s is not None:
            starts.append(start_s)
            if end_s:
                lengths.append(end_s - start_s)
            elif length_s:
                lengths.append(length_s)
    lengths = lengths or [after - before for before, after in pairwise(starts)]
    return MS if lengths and median(lengths) >= LONGEST_WORD else 1.0


def times(
    row: Mapping[str, Any], number: int, remarks: list[Remark], unit_s: float = 1.0
) -> tuple[float | None, float | None]:
    """Start and end of a row; what is no time is told and None."""
    start, end, length, own_unit_s = _stated(row)
    found = []
    for name, value in (("start", start), ("end", end), ("length", length)):
        time = _number(value)
        time_s = None if time is None else seconds(time * (own_unit_s or unit_s))
        if value is not None and time_s is None:
            told = f"{name} is {str(value)[:20]}, not a number of seconds from 0"
            remarks.append(Remark("bad_time", number, told))
        found.append(time_s)
    start_s, end_s, length_s = found
    if start_s is not None and end_s is None and length_s:
        end_s = seconds(start_s + length_s)
    if end_s == 0 and start_s:  # an end nobody knew
        end_s = None
    return start_s, end_s


def has_time(row: Mapping[str, Any]) -> bool:
    """Whether a row states a start or an end."""
    start, end, _, _ = _stated(row)
    return start is not None or end is not None


def _stated(row: Mapping[str, Any]) -> tuple[Any, Any, Any, float | None]:
    """Start, end and length as they stand, and their unit where their names say it."""
    for key in PAIRS:
        pair = row.get(key)
        if isinstance(pair, list) and len(pair) == 2:
            return pair[0], pair[1], None, 1.0
        if isinstance(pair, dict) and "from" in pair:
            return pair["from"], pair.get("to"), None, 1.0
    named = next((names for names in TIMES if row.get(names[0]) is not None), None)
    named = named or next((names for names in TIMES if row.get(names[1]) is not None), None)
    if named:
        start, end, length, unit_s = named
        return row.get(start), row.get(end), row.get(length), unit_s
    return None, None, None, 1.0


def _number(value: Any) -> float | None:
    """A time as a number in its own unit, from 0; None where it is none."""
    if isinstance(value, dict):
        value = value.get("total")
    if isinstance(value, str):
        clock = CLOCK.fullmatch(value)
        if clock is None:
            return None
        first, second, last = clock.groups()
        minutes = int(second) + 60 * int(first or 0) if second else int(first or 0)
        return minutes * 60 + float(last.replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return float(value)


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf
