"""LRC: lines with stamps ``[mm:ss.xx]`` and an offset, and in its enhanced kinds words or syllables with stamps of their own.

A stamp is read with hours, with a fraction of any length, after a colon, a dot or a comma. ``[00:02:05]`` is minutes,
seconds and hundredths, unless a whole file's third numbers are never above 59, which many true hundredths would be.
Stamps inside a line (``<...>`` or ``[...]``) time what follows them; one with nothing behind it ends what is before.
``[offset:ms]`` moves all times earlier, ``[la:de]`` names the language. Lines of ``[bg:...]`` are backing vocals, with the times they state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.lyrics.parts.labelled import in_order
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written

STAMP_TEXT = r"\s*(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2})(?:([.:,])(\d{1,9}))?\s*"
STAMP = re.compile(rf"\s*\[{STAMP_TEXT}\]")
INNER = re.compile(rf"<{STAMP_TEXT}>|\[{STAMP_TEXT}\]")
METADATA = re.compile(r"^\s*\[\s*([a-zA-Z#_]{1,12})\s*:([^\]]*)\]\s*$")
BACKING = re.compile(r"^\s*\[bg:\s*(.*)\]\s*$", re.IGNORECASE | re.DOTALL)
OFFSET = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(ms|s)?\s*", re.IGNORECASE)
LANGUAGE = ("la", "lang", "language")
KEYS = frozenset(
    [
        "ti",
        "ar",
        "al",
        "au",
        "by",
        "offset",
        "length",
        "re",
        "ve",
        "tool",
        "lr",
        "cp",
        "id",
        "encoding",
        "version",
        "title",
        "artist",
        "album",
        *LANGUAGE,
    ]
)
MANY_STAMPS = 12


def fits(text: str) -> bool:
    """A stamp at the start of a line, or a line of metadata."""
    lines = text.splitlines()
    return any(STAMP.match(line) for line in lines) or any(_key(line) in KEYS for line in lines)


def read(text: str) -> Written:
    clock = _Clock(text)
    lines: list[Line] = []
    names: list[str] = []
    remarks: list[Remark] = []
    offset_s, language = 0.0, ""
    for number, row in enumerate(text.splitlines(), start=1):
        starts, rest = clock.leading(row)
        if starts:
            lines += clock.lines(starts, rest, number)
        elif backing := BACKING.match(row):
            syllables = clock.syllables(backing[1].strip("()"), None)
            first_s = next((one.start_s for one in syllables if one.start_s is not None), None)
            lines.append(Line(syllables, first_s, None, number))
        elif (metadata := METADATA.match(row)) and _key(row) in KEYS:
            if metadata[1].lower() in ("ti", "ar", "title", "artist"):
                names.append(metadata[2].strip())
            elif metadata[1].lower() in LANGUAGE:
                language = language or metadata[2].strip()
            elif metadata[1].lower() == "offset" and metadata[2].strip():
                offset = OFFSET.fullmatch(metadata[2])
                if offset is None:
                    remarks.append(
                        Remark("bad_time", number, f"offset {metadata[2].strip()!r} is no time, not applied")
                    )
                else:
                    offset_s = float(offset[1]) / (1 if (offset[2] or "").lower() == "s" else 1000)
        else:
            lines.append(Line((Syllable(row),), number=number))
    moved = [_moved(line, offset_s) for line in _words_apart(in_order(lines))]
    return Written(tuple(moved), names=tuple(names), remarks=tuple(remarks), language=language)


def write(written: Written) -> bytes:
    """Stamps to the millisecond; words with times have stamps of their own, and an end where it is stated."""
    rows = [f"[la:{written.language}]\n"] if written.language else []
    for line in written.lines:
        pieces = []
        for syllable in line.syllables:
            if syllable.start_s is not None:
                pieces.append(f"<{_stamp(syllable.start_s)}>")
            pieces.append(syllable.text)
            if syllable.end_s is not None:
                pieces.append(f"<{_stamp(syllable.end_s)}> ")
        stamp = "" if line.start_s is None else f"[{_stamp(line.start_s)}]"
        rows.append(f"{stamp}{''.join(pieces).rstrip()}\n")
        if line.start_s is not None and line.end_s is not None:
            rows.append(f"[{_stamp(line.end_s)}]\n")
    return "".join(rows).encode()


class _Clock:
    """Reads the stamps of one file, in the unit that all of them share."""

    def __init__(self, text: str) -> None:
        stamps = {match[0]: match.groups() for match in re.finditer(rf"[<\[]{STAMP_TEXT}[>\]]", text)}
        thirds = [groups for groups in stamps.values() if groups[0] and groups[3] is None]
        two_digits = all(len(third[2]) == 2 and int(third[2]) < 60 for third in thirds)
        self.has_hours = (
            len(thirds) >= MANY_STAMPS and two_digits and all(int(third[0]) == 0 for third in thirds)
        )

    def seconds(self, groups: tuple[str | None, ...]) -> float:
        """The time of a stamp's five groups."""
        first, second, third, mark, digits = (group or "" for group in groups)
        if first and not mark and not self.has_hours:  # mm:ss:xx
            first, second, third, digits = "", first, second, third
        fraction = int(digits) / 10 ** len(digits) if digits else 0.0
        return int(first or 0) * 3600 + int(second) * 60 + int(third) + fraction

    def leading(self, row: str) -> tuple[list[float], str]:
        """The times at the start of a line, and what follows them."""
        starts = []
        while match := STAMP.match(row):
            starts.append(self.seconds(match.groups()))
            row = row[match.end() :]
        return starts, row

    def lines(self, starts: list[float], rest: str, number: int) -> Iterator[Line]:
        """The line at each of its stamps; stamps inside it are those of the first one."""
        syllables = self.syllables(rest, starts[0])
        for start_s in starts:
            yield _moved(Line(syllables, starts[0], None, number), starts[0] - start_s)

    def syllables(self, text: str, start_s: float | None) -> tuple[Syllable, ...]:
        """The pieces between the stamps inside a line; what stands before the first begins with the line."""
        marks = list(INNER.finditer(text))
        if not marks:
            return (Syllable(text),)
        times = [self.seconds(mark.groups()[:5] if mark.groups()[1] else mark.groups()[5:]) for mark in marks]
        ends = [mark.start() for mark in marks] + [len(text)]
        pieces = [Syllable(text[: ends[0]], start_s, times[0])] if text[: ends[0]].strip() else []
        for place, mark in enumerate(marks):
            piece = text[mark.end() : ends[place + 1]]
            end_s = times[place + 1] if place + 1 < len(marks) else None
            if piece.strip():
                pieces.append(Syllable(piece, times[place], end_s))
            elif pieces and piece:
                pieces[-1] = replace(pieces[-1], text=pieces[-1].text + " ")
        return tuple(pieces)


def _words_apart(lines: list[Line]) -> list[Line]:
    """A blank behind each piece where a file of several pieces a line has none anywhere: they are words."""
    inner = [piece.text for line in lines for piece in line.syllables[:-1]]
    following = [piece.text for line in lines for piece in line.syllables[1:]]
    if any(text[-1:].isspace() for text in inner) or any(text[:1].isspace() for text in following):
        return lines
    return [
        replace(line, syllables=tuple(replace(piece, text=piece.text + " ") for piece in line.syllables))
        for line in lines
    ]


def _moved(line: Line, earlier_s: float) -> Line:
    if not earlier_s:
        return line

    def moved(time_s: float | None) -> float | None:
        return None if time_s is None else max(0.0, time_s - earlier_s)

    syllables = tuple(
        replace(piece, start_s=moved(piece.start_s), end_s=moved(piece.end_s)) for piece in line.syllables
    )
    return replace(line, syllables=syllables, start_s=moved(line.start_s), end_s=moved(line.end_s))


def _key(row: str) -> str | None:
    match = METADATA.match(row)
    return match[1].lower() if match else None


def _stamp(time_s: float) -> str:
    ms = round(time_s * 1000)
    return f"{ms // 60_000:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


FORM = Form("LRC", (".lrc", ".elrc"), fits, read, write, has_labels=True)
