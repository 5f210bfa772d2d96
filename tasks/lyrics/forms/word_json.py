"""JSON of words with times: jamify's, a NeMo dump's, whisperX's and the like of them.

A list of ``{"word", "start", "end"}``, or an object that holds one as ``word``, ``words`` or ``word_segments``, or in the
``words`` of its ``segments``. Where seconds are missing, NeMo's frame numbers give them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.engine.song import Refused
from tasks.lyrics.forms.written import Form, Line, Remark, Syllable, Written, seconds

NEMO_FRAME_S = 0.08
"""A step of `start_offset` and `end_offset`: the recogniser's output frame, onto which its times fall too."""
LISTS = ("word", "words", "word_segments")
TEXTS = ("word", "text", "token")


def rows_of_json(value: Any) -> list[list[Mapping[str, Any]]] | None:
    """The words of a JSON value, a list a line; None where it holds none."""
    if isinstance(value, dict):
        segments = value.get("segments")
        if isinstance(segments, list) and any(
            isinstance(one, dict) and isinstance(one.get("words"), list) for one in segments
        ):
            return [
                one["words"]
                for one in segments
                if isinstance(one, dict) and isinstance(one.get("words"), list)
            ]
        value = next((value[key] for key in LISTS if isinstance(value.get(key), list)), None)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        return None
    texts = all(any(isinstance(row.get(key), str) for key in TEXTS) or "start" in row for row in value)
    return [value] if texts else None


def fits(text: str) -> bool:
    """Whether it is JSON that holds words."""
    return rows_of_json(parsed(text)) is not None


def parsed(text: str) -> Any:
    """The value of a JSON text; None where it is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read(text: str) -> Written:
    rows = rows_of_json(parsed(text))
    assert rows is not None, "asked of what does not fit"
    remarks: list[Remark] = []
    lines, number = [], 0
    for row in rows:
        syllables = []
        for entry in row:
            number += 1
            word = next((entry[key] for key in TEXTS if isinstance(entry.get(key), str)), None)
            if word is None:
                remarks.append(Remark("no_text", number, f"entry {number} has no text 'word'"))
                continue
            start_s, end_s = times(entry, number, remarks)
            syllables.append(Syllable(f"{word.strip()} ", start_s, end_s))
        lines.append(Line(tuple(syllables)))
    return Written(tuple(lines), has_lines=len(rows) > 1, remarks=tuple(remarks))


def times(entry: Mapping[str, Any], number: int, remarks: list[Remark]) -> tuple[float | None, float | None]:
    """Start and end of an entry; what is no time is told and None."""
    found = []
    for key in ("start", "end"):
        value, unit_s = entry.get(key), 1.0
        if value is None and entry.get(f"{key}_offset") is not None:
            value, unit_s = entry[f"{key}_offset"], NEMO_FRAME_S
        time_s = seconds(value)
        if value is not None and time_s is None:
            remarks.append(
                Remark("bad_time", number, f"{key} is {str(value)[:20]}, not a number of seconds from 0")
            )
        found.append(None if time_s is None else time_s * unit_s)
    return found[0], found[1]


def write(written: Written) -> bytes:
    """jamify's form: a list of words with start and end, one a line of the file."""
    rows = []
    for line in written.lines:
        for syllable in line.syllables:
            stated = {"start": syllable.start_s, "end": syllable.end_s}
            rows.append(
                {
                    "word": syllable.text.strip(),
                    **{key: value for key, value in stated.items() if value is not None},
                }
            )
    return ("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n").encode()


def word_seconds(row: Mapping[str, Any], what: str) -> tuple[float, float]:
    """Start and end of a word of a shard's JSON, which must have both.

    Raises:
        Refused: neither seconds nor frame numbers, or not from 0 up.
    """
    remarks: list[Remark] = []
    start_s, end_s = times(row, 0, remarks)
    if start_s is None or end_s is None:
        said = remarks[0].text if remarks else "start and end are not both stated"
        raise Refused("lyrics_malformed", f"{what}: {said}")
    return start_s, end_s


FORM = Form("words in JSON", (".json",), fits, read, write)
