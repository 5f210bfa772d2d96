"""Lyrics files: jamify's JSON (also a NeMo dump), .lrc and plain text become the words that are sung.

What counts as sung, in every format: text in square brackets (``[Chorus]``) is a label and goes; words in
round brackets (backing vocals) are heard in the mix and stay; a repeat mark (``x2``, ``(x2)``) at the end
of a line goes, the line is not repeated. In plain text a line such as ``Verse 2:`` is a label too.
Text is UTF-8 or UTF-16 by its byte order mark, else UTF-8 if it is valid UTF-8, else Latin-1.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jam_model.words import MAX_SECONDS, Word, rows_of
from tasks.engine.song import Refused
from tasks.models.phonemizer import normalise_words

TIME_KEYS = ("start", "end", "start_offset", "end_offset")
NEMO_FRAME_S = 0.08
"""A step of `start_offset` and `end_offset`: the recogniser's output frame, onto which its times fall too."""
LABEL = re.compile(r"\[[^\]\n]*\]")
REPEAT = re.compile(r"(?:\(\s*x\s*\d+\s*\)|\bx\d+|\(\s*\d+\s*x\s*\))\s*$", re.IGNORECASE)
LABEL_LINE = re.compile(
    r"^\s*(?:intro|verse|pre-?chorus|chorus|post-?chorus|hook|refrain|bridge|break|interlude|solo|outro)"
    r"(?:\s+\d+)?\s*:\s*$",
    re.IGNORECASE,
)
STAMP = re.compile(r"\s*\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
WORD_STAMP = re.compile(r"<(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?>")
METADATA = re.compile(r"^\s*\[([a-zA-Z#]+):([^\]]*)\]\s*$")


@dataclass(frozen=True)
class Lyrics:
    """The words in the order they are sung; their times and their lines (words joined by blanks) where stated.

    `num_lines` counts the lines with words, timed or not; None where a format has no lines.
    """

    words: list[str]
    times: list[Word] | None = None
    lines: list[Word] | None = None
    num_lines: int | None = None

    @property
    def last_start_s(self) -> float:
        """The latest start of a word or line, 0 where none is stated."""
        return max((word.start_s for word in [*(self.times or ()), *(self.lines or ())]), default=0.0)

    def within(self, duration_s: float | None) -> Lyrics:
        """The lyrics in a song of this length: a time past its end, or not stated, becomes its end.

        A song of unknown length (None) ends a second after the last start.
        """
        end_s = self.last_start_s + 1.0 if duration_s is None else duration_s
        times, lines = (
            words and [word.within(end_s) for word in words] for words in (self.times, self.lines)
        )
        return replace(self, times=times, lines=lines)

    def columns(self) -> dict[str, Any]:
        """The columns ``lyrics_times`` and ``lyrics_lines``."""
        return {
            "lyrics_times": self.times and rows_of(self.times),
            "lyrics_lines": self.lines and rows_of(self.lines),
        }


def parse_lyrics(data: bytes, ending: str, max_bytes: int, max_words: int) -> Lyrics:
    """The lyrics in a file's bytes, by the ending of its name: ``.json``, ``.lrc`` or ``.txt``.

    Raises:
        Refused: malformed, beyond a limit, or without a single word.
        ValueError: another ending.
    """
    if ending not in PARSERS:
        raise ValueError(f"lyrics: ending {ending!r} is unknown; give one of {', '.join(PARSERS)}")
    if len(data) > max_bytes:
        raise Refused("lyrics_too_long", f"{len(data)} bytes, at most {max_bytes}")
    lyrics = PARSERS[ending](decode_text(data))
    if len(lyrics.words) > max_words:
        raise Refused("lyrics_too_long", f"{len(lyrics.words)} words, at most {max_words}")
    if not lyrics.words:
        raise Refused("lyrics_empty", "no word is left after labels and punctuation")
    return lyrics


def decode_text(data: bytes) -> str:
    """Text of a lyrics or style file; see the module for the encodings.

    Raises:
        Refused: the bytes are no text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise Refused("lyrics_malformed", "the bytes are no text in UTF-8, UTF-16 or Latin-1")


def lyric_words(text: str) -> list[str]:
    """The sung words of one line."""
    return normalise_words(REPEAT.sub(" ", LABEL.sub(" ", text)))


def _from_text(text: str) -> Lyrics:
    lines = [lyric_words(line) for line in text.splitlines() if not LABEL_LINE.match(line)]
    return Lyrics([word for line in lines for word in line], num_lines=sum(map(bool, lines)))


def _from_json(text: str) -> Lyrics:
    """A list of ``{"start", "end", "word"}``, or an object that holds it as ``word``; other keys are not read.

    Where seconds are missing, NeMo's frame numbers ``start_offset`` and ``end_offset`` give them.
    """
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("lyrics_malformed", f"not JSON: {error}") from error
    rows = rows.get("word") if isinstance(rows, dict) else rows
    if not isinstance(rows, list):
        raise Refused("lyrics_malformed", "neither a list of words nor an object with the key 'word'")
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not isinstance(row.get("word"), str):
            raise Refused("lyrics_malformed", f"entry {number} is no object with the text 'word'")
    if not any(key in row and row[key] is not None for row in rows for key in TIME_KEYS):
        return Lyrics([word for row in rows for word in lyric_words(row["word"])])
    times: list[Word] = []
    latest_s = 0.0
    for number, row in enumerate(rows):
        start_s, end_s = word_seconds(row, f"entry {number}")
        if not latest_s <= start_s <= end_s:
            raise Refused(
                "lyrics_malformed",
                f"entry {number} from {start_s} to {end_s} s, after a start at {latest_s} s: times must not go back",
            )
        latest_s = start_s
        times += shared_time(lyric_words(row["word"]), start_s, end_s)
    return Lyrics([timed.text for timed in times], times)


def word_seconds(row: Mapping[str, Any], what: str) -> tuple[float, float]:
    """Start and end of a word of jamify's or NeMo's JSON.

    Raises:
        Refused: neither seconds nor frame numbers, or not from 0 up.
    """
    start_s, end_s = (
        _seconds(row[f"{key}_offset"], f"{what}: {key}_offset") * NEMO_FRAME_S
        if row.get(key) is None and row.get(f"{key}_offset") is not None
        else _seconds(row.get(key), f"{what}: {key}")
        for key in ("start", "end")
    )
    return start_s, end_s


def _seconds(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_SECONDS:
        raise Refused("lyrics_malformed", f"{what} is {str(value)[:20]}, not a number of seconds from 0")
    return float(value)


def shared_time(words: list[str], start_s: float, end_s: float) -> list[Word]:
    """One claimed interval dealt to its words by their letters ("rock-n-roll" is three words)."""
    letters = sum(map(len, words))
    timed, before = [], 0
    for word in words:
        after = before + len(word)
        span_s = end_s - start_s
        timed.append(Word(word, start_s + span_s * before / letters, start_s + span_s * after / letters))
        before = after
    return timed


def _from_lrc(text: str) -> Lyrics:
    """Stamped lines, sorted by time; a line lasts until the next stamp, an empty one only ends the one before.

    ``[offset:ms]`` moves all lines earlier; other metadata is not read. Word times are taken only when
    every line states them for each of its words (``<mm:ss.xx>``).
    """
    stamped: list[tuple[float, str]] = []
    offset_s = 0.0
    for number, line in enumerate(text.splitlines(), start=1):
        starts, rest = _stamps(line)
        if starts:
            stamped += [(start_s, rest) for start_s in starts]
        elif metadata := METADATA.match(line):
            if metadata[1].lower() == "offset":
                offset_s = _offset(metadata[2], number)
        elif lyric_words(line):
            raise Refused("lyrics_malformed", f"line {number} has words but no [mm:ss.xx] stamp")
    stamped.sort(key=lambda line: line[0])
    lines: list[Word] = []
    times: list[Word] | None = []
    for place, (start_s, rest) in enumerate(stamped):
        end_s = stamped[place + 1][0] if place + 1 < len(stamped) else math.inf
        words = lyric_words(WORD_STAMP.sub(" ", rest))
        if not words:
            continue
        lines.append(_moved(Word(" ".join(words), start_s, end_s), offset_s))
        word_times = _word_times(rest, start_s, end_s)
        times = None if times is None or word_times is None else times + word_times
    words = [word for line in lines for word in line.text.split(" ")]
    if times is not None:
        times = [_moved(timed, offset_s) for timed in times]
    return Lyrics(words, times or None, lines or None, len(lines))


def _stamps(line: str) -> tuple[list[float], str]:
    """The times at the start of a line, and what follows them."""
    starts = []
    while match := STAMP.match(line):
        starts.append(_stamp_s(match))
        line = line[match.end() :]
    return starts, line


def _stamp_s(match: re.Match[str]) -> float:
    fraction = match[3] or ""
    return int(match[1]) * 60 + int(match[2]) + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


def _offset(text: str, number: int) -> float:
    try:
        return int(text.strip()) / 1000
    except ValueError:
        raise Refused(
            "lyrics_malformed", f"line {number}: offset {text!r} is no whole number of ms"
        ) from None


def _moved(word: Word, offset_s: float) -> Word:
    return replace(word, start_s=max(0.0, word.start_s - offset_s), end_s=max(0.0, word.end_s - offset_s))


def _word_times(rest: str, line_start_s: float, line_end_s: float) -> list[Word] | None:
    """Times of an enhanced line, or None where a word has no stamp of its own or times go back."""
    marks = list(WORD_STAMP.finditer(rest))
    if not marks or lyric_words(rest[: marks[0].start()]):
        return None
    timed: list[Word] = []
    latest_s = line_start_s
    for place, mark in enumerate(marks):
        after = marks[place + 1] if place + 1 < len(marks) else None
        words = lyric_words(rest[mark.end() : after.start() if after else len(rest)])
        start_s, end_s = _stamp_s(mark), _stamp_s(after) if after else line_end_s
        if not latest_s <= start_s <= end_s or len(words) > 1 or (words and math.isinf(end_s)):
            return None
        latest_s = start_s
        timed += shared_time(words, start_s, end_s)
    return timed


PARSERS = {".json": _from_json, ".lrc": _from_lrc, ".txt": _from_text}
