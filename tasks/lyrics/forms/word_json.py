"""JSON whose rows are words or lines with times: jamify's, recognisers', aligners' and players'; rows by triple, by line or within one another, backing vocals put in brackets.

A list of rows, each a word, a line, or a line that holds words; in an object under the names that jamify, NeMo, Whisper
and its kin, gentle, aeneas, Suno, Musixmatch, AMLL, Spotify, YouTube and speech services give them. Texts with blanks
of their own are pieces of a line as they stand; where there are none, each is a word. Backing vocals that are marked so
are put in round brackets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from tasks.engine.song import Refused
from tasks.lyrics.parts.json_labels import PART_LABELS, with_labels
from tasks.lyrics.parts.json_value import has_time, language_of, parsed, phones_in, text_of, times, unit_of
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written

WORDS = ("word", "words", "word_segments", "aligned_words", "alignedWords", "items")
LINES = (
    *("segments", "lines", "sentences", "fragments", "chunks", "transcription", "events", "lyrics"),
    *("segment", "entries"),
)
INNER = ("words", "l", "segs", "syllabus", "syllables")
WRAPPERS = (
    *("results", "result", "channels", "alternatives", "timestamp", "timestamps", "timestep", "transcript"),
    *("tiers", "words", "subtitle", "subtitle_body"),
    *("response", "data", "message", "body", "richsync", "richsync_body", "lyrics", "output", "track"),
)
SONG = ("messages", "audio_filepath", "syncedLyrics", "plainLyrics", "lyrics", "caption", "role")
"""Names that a row has which is a song, or a turn of a talk."""
BACKING = ("isBG", "isBackground", "background")
MAX_DEPTH = 8
PIECES = 0.2
"""From this share of joints with a blank on, the texts of a file are pieces of its lines."""


@dataclass(frozen=True)
class Rows:
    """Rows of a JSON value: each a line's own facts and its words; all words in one where `has_lines` is false."""

    lines: Sequence[tuple[Mapping[str, Any], Sequence[Any]]]
    has_lines: bool


def rows_of_json(value: Any, depth: int = 0) -> Rows | None:
    """The words or lines of a JSON value; None where it holds none."""
    if isinstance(value, str) and depth:
        value = parsed(value)  # Musixmatch puts JSON into its JSON as text
    if depth > MAX_DEPTH or not isinstance(value, dict | list):
        return None
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict) and not has_time(value[0]):
            return rows_of_json(value[0], depth + 1) or _rows(value)
        return _rows(value)
    if (
        has_time(value)
        and isinstance(value.get("text"), str)
        and not any(key in value for key in LINES + WORDS)
    ):
        value = {"lines": [value]}
    lists = {key: value[key] for key in (*LINES, *WORDS) if isinstance(value.get(key), list)}
    rows = {key: found for key in lists if (found := _rows(lists[key], are_words=key in WORDS))}
    if "words" in rows and isinstance(value.get("transcript"), str):
        rows["words"] = _lines_of_transcript(rows["words"], value["transcript"])
    if rows:
        return max(rows.values(), key=_stated)  # the first of those that state as much
    results = value.get("results")
    if isinstance(results, list) and len(results) > 1:  # an answer in several parts
        parts = [found for part in results if (found := rows_of_json(part, depth + 1))]
        return Rows([line for part in parts for line in part.lines], True) if parts else None
    for key in WRAPPERS:
        if found := rows_of_json(value.get(key), depth + 1):
            return found
    return None


def _stated(rows: Rows) -> tuple[bool, bool]:
    """Whether words have times, and whether there are words: NeMo's `segment` stands beside its `word`."""
    words = [word for _, words in rows.lines for word in words]
    return any(isinstance(word, dict) and has_time(word) for word in words), bool(words)


def _rows(values: Sequence[Any], are_words: bool = False) -> Rows | None:
    """A list as rows; None where not most of them are words or lines."""
    if not values:
        return Rows([({}, values)], False) if are_words else None
    values = [_triple(row) if isinstance(row, list) else row for row in values]
    rows = [row for row in values if isinstance(row, dict)]
    inner = [_inner(row) for row in rows]
    fitting = [words or _is_text(row) for row, words in zip(rows, inner, strict=True)]
    if 2 * sum(map(bool, fitting)) <= len(values):
        return None
    if any(inner):
        return Rows(list(zip(rows, inner, strict=True)), True)
    several = sum(len((text_of(row) or "").split()) > 1 for row in rows)
    if are_words or 2 * several <= len(values) or any("word" in row for row in rows):
        return _by_line(values)
    return Rows([(row, []) for row in rows], True)


def _by_line(words: Sequence[Any]) -> Rows:
    """Words in the lines whose numbers they state one after the other, as our rough times do; in one where they state none."""
    numbers = [word["line"] for word in words if isinstance(word, dict) and type(word.get("line")) is int]
    if len(numbers) < len(words) or numbers != sorted(numbers):
        return Rows([({}, words)], False)
    return Rows([({}, list(line)) for _, line in groupby(words, key=itemgetter("line"))], True)


def _triple(row: list[Any]) -> Any:
    """An entry of a tier, [start, end, text], as the row it is."""
    return (
        {"start": row[0], "end": row[1], "text": row[2]} if len(row) == 3 and isinstance(row[2], str) else row
    )


def _inner(row: Mapping[str, Any]) -> Sequence[Any]:
    """The words that a line's row holds; none where they have no text."""
    lists = [row[key] for key in INNER if isinstance(row.get(key), list)]
    return next(
        (words for words in lists if any(isinstance(word, dict) and _is_text(word) for word in words)), []
    )


def _is_text(row: Mapping[str, Any]) -> bool:
    if text_of(row) is None or "ph_seq" in row:
        return False
    return has_time(row) or not any(key in row for key in SONG)


def _lines_of_transcript(rows: Rows, transcript: str) -> Rows:
    """gentle's words in the lines of its transcript, by the letter that each begins at."""
    lines: dict[int, list[Any]] = {}
    for word in rows.lines[0][1]:
        place = word.get("startOffset") if isinstance(word, dict) else None
        if not isinstance(place, int):
            return rows
        lines.setdefault(transcript.count("\n", 0, max(place, 0)), []).append(word)
    return Rows([({}, lines[number]) for number in sorted(lines)], True) if len(lines) > 1 else rows


def fits(text: str) -> bool:
    """Whether it is JSON that holds words or lines."""
    return rows_of_json(parsed(text)) is not None


def read(text: str) -> Written:
    rows = rows_of_json(value := parsed(text))
    assert rows is not None, "asked of what does not fit"
    written = replace(read_rows(rows), language=language_of(value), phones=phones_in(rows.lines))
    labels = value.get(PART_LABELS) if isinstance(value, dict) else None
    return with_labels(written, [len(words) for _, words in rows.lines], labels)


def read_rows(rows: Rows) -> Written:
    """What rows state, wherever they were found."""
    remarks: list[Remark] = []
    lines = list(_lines(rows, remarks))
    if not rows.has_lines and any("\n" in one.text.strip() for line in lines for one in line.syllables):
        lines = [part for line in lines for part in _broken(line)]
        rows = Rows(rows.lines, True)
    return Written(tuple(_apart(lines)), has_lines=rows.has_lines, remarks=tuple(remarks))


def _lines(rows: Rows, remarks: list[Remark]) -> Iterator[Line]:
    words_unit_s = unit_of(row for _, words in rows.lines for row in words if isinstance(row, dict))
    lines_unit_s = unit_of(row for row, _ in rows.lines)
    number = 0
    for row, words in rows.lines:
        first = number + 1
        start_s, end_s = times(row, first, remarks, lines_unit_s)
        if rows.has_lines and not words:
            number += 1
            text = text_of(row)
            if text is None:
                remarks.append(Remark("no_text", number, f"entry {number} has no text"))
                continue
            syllables = [Syllable(text)]
        else:
            syllables = []
            for entry in words:
                number += 1
                _add(entry, number, start_s, words_unit_s, syllables, remarks)
        if any(row.get(key) is True for key in BACKING) and syllables:
            syllables = _in_brackets(syllables)
            start_s = end_s = None  # it is no text of its own under the main line's time
        elif start_s is None and rows.has_lines:
            start_s = next((one.start_s for one in syllables if one.start_s is not None), None)
        if end_s is not None and start_s is not None and end_s < start_s:
            end_s = None
        yield Line(tuple(syllables), start_s, end_s, first)


def _add(
    entry: Any,
    number: int,
    line_s: float | None,
    unit_s: float,
    syllables: list[Syllable],
    remarks: list[Remark],
) -> None:
    """Adds the word of an entry; a blank alone ends the word before it."""
    text = text_of(entry) if isinstance(entry, dict) else None
    if text is None:
        remarks.append(Remark("no_text", number, f"entry {number} has no text 'word'"))
        return
    if entry.get("type") == "audio_event":
        remarks.append(Remark("not_sung", number, text))
        return
    start_s, end_s = times(entry, number, remarks, unit_s)
    if "o" in entry or "tOffsetMs" in entry:  # counted from the line's start
        offset_s, _ = times({"start": entry.get("o"), "startTimeMs": entry.get("tOffsetMs")}, number, remarks)
        start_s = None if line_s is None or offset_s is None else line_s + offset_s
    if text.strip():
        syllables.append(Syllable(text, start_s, end_s))
    elif syllables and text:
        before = syllables[-1]
        ends_s = start_s if before.end_s is None else before.end_s
        syllables[-1] = replace(before, text=f"{before.text} ", end_s=ends_s)


def _broken(line: Line) -> Iterator[Line]:
    """A line whose texts hold breaks and labels, as Suno's words do: ``"[Verse]\\nOpen "``; the word has the times."""
    row: list[Syllable] = []
    for syllable in line.syllables:
        parts = syllable.text.split("\n")
        sung = next(
            (place for place, part in enumerate(parts) if part.strip() and part.strip()[0] != "["), None
        )
        for place, part in enumerate(parts):
            if place and row:
                yield Line(tuple(row), row[0].start_s, None, line.number)
                row = []
            if part.strip():
                row.append(replace(syllable, text=part) if place == sung else Syllable(part))
    if row:
        yield Line(tuple(row), row[0].start_s, None, line.number)


def _apart(lines: list[Line]) -> list[Line]:
    """A blank behind each piece where the texts of a file have none of their own."""
    joints = [pair for line in lines for pair in pairwise(line.syllables)]
    blanks = sum(before.text[-1:].isspace() or after.text[:1].isspace() for before, after in joints)
    if blanks and blanks >= PIECES * len(joints):
        return lines
    return [
        replace(line, syllables=tuple(replace(one, text=f"{one.text.strip()} ") for one in line.syllables))
        for line in lines
    ]


def _in_brackets(syllables: list[Syllable]) -> list[Syllable]:
    """A line in round brackets, once."""
    texts = [one.text.replace("(", "").replace(")", "") for one in syllables]
    texts[0] = f"({texts[0].lstrip()}"
    texts[-1] = f"{texts[-1].rstrip()})"
    return [replace(one, text=text) for one, text in zip(syllables, texts, strict=True)]


def write(written: Written) -> bytes:
    """jamify's form: a list of words with start and end, one a line of the file; its numbers are exact."""
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
