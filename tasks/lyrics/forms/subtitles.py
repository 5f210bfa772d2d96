"""SRT and WebVTT: cues with a start and an end, rows of text, and in VTT stamps inside them that time words.

Read by our own: pysubs2 1.8.1 glues VTT's cue names and notes to the words before them, drops the stamps, cuts a last row
that is a number, and knows no SRT without hours. The rows of a cue are lines; the first carries the cue's times, but a
label's go to the row after it. https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.lyrics.parts.timed import timed_pieces
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, checked_times, seconds

CLOCK = r"(?:(\d{1,4})\s?:\s?)?(\d{1,3})\s?:\s?(\d{1,2})(?:\s?[.,:]\s?(\d{1,9}))?"
ARROW = re.compile(rf"^\s*{CLOCK}\s*-{{1,2}}>\s*{CLOCK}(?:\s.*)?$")
STAMP = re.compile(rf"<{CLOCK}>")
TAG = re.compile(r"</?(?:[a-zA-Z][^<>]{0,200})?>|\{\\[^{}]{0,200}\}")
VTT_HEAD = re.compile(r"^\s*WEBVTT(?:\s|$)")
VTT_LANGUAGE = re.compile(
    r"\s*WEBVTT[^\n]{0,200}\n(?:[^\n]{1,200}\n){0,9}?Language:[ \t]{0,9}([\w-]{1,20})\s*\n"
)
"""A line of the header, before the first empty one."""
NOTE = re.compile(r"^(?:NOTE|STYLE|REGION)(?:\s|$)")
LABEL = re.compile(r"\s*[\[【][^\]】]*[\]】]\s*")
NUMBER = re.compile(r"^\s*\d{1,6}\s*$")
SHORT_S, SHORT_SHARE = 0.05, 0.25
"""Captions that roll up repeat each row, in cues of 10 ms between two rows: so many of them, and they are read as such."""


@dataclass(frozen=True)
class Cue:
    """The rows of text under a row of times, and the number of that row in the file."""

    number: int
    start_s: float | None
    end_s: float | None
    rows: Sequence[str]


def fits_srt(text: str) -> bool:
    """A row of two times with an arrow."""
    return not VTT_HEAD.match(text) and any(ARROW.match(row) for row in text.splitlines())


def fits_vtt(text: str) -> bool:
    """Its first word."""
    return VTT_HEAD.match(text) is not None


def read(text: str) -> Written:
    """The cues of a file of either form."""
    remarks: list[Remark] = []
    cues = _not_rolled(list(_cues(text, remarks)), remarks)
    stated = VTT_LANGUAGE.match(text)
    lines = tuple(line for cue in cues for line in cue_lines(cue))
    return Written(lines, remarks=tuple(remarks), language=stated[1] if stated else "")


def write_srt(written: Written) -> bytes:
    """Lines with their times to the millisecond; SRT has no times of words. Ends as `timed_pieces` gives them."""
    cues = []
    for number, (line,) in enumerate(timed_pieces(written, "SRT", by_line=True), start=1):
        times = f"{stamp(line.start_s, ',')} --> {stamp(line.end_s, ',')}"
        cues.append(f"{number}\n{times}\n{_no_empty_row(line.text).strip().replace('<', '&lt;')}\n")
    return "\n".join(cues).encode()


def write_vtt(written: Written) -> bytes:
    """Lines and words with their times to the millisecond; a cue lasts from its first word to its last."""
    cues = [f"WEBVTT\nLanguage: {written.language}\n" if written.language else "WEBVTT\n"]
    for line in timed_pieces(written, "WebVTT"):
        text = ("" if line[0].is_line else f"<{stamp(line[0].start_s)}>") + _escaped(line[0].text)
        for before, piece in pairwise(line):
            end = f"<{stamp(before.end_s)}> " if before.end_s < piece.start_s else ""
            text += f"{end}<{stamp(piece.start_s)}>{_escaped(piece.text)}"
        cues.append(f"{stamp(line[0].start_s)} --> {stamp(line[-1].end_s)}\n{text.strip()}\n")
    return "\n".join(cues).encode()


def stamp(time_s: float, mark: str = ".") -> str:
    """A time as hours, minutes, seconds and milliseconds."""
    ms = round(time_s * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{mark}{ms % 1000:03d}"


def cue_lines(cue: Cue) -> Iterator[Line]:
    """The rows with text as lines."""
    start_s, end_s = cue.start_s, cue.end_s
    for row in cue.rows:
        text = _without_tags(row)
        if LABEL.fullmatch(text):
            yield Line((Syllable(text),), number=cue.number)
        elif text.strip():
            yield Line(_syllables(row, start_s, end_s), start_s, end_s, cue.number)
            start_s = end_s = None


def _cues(text: str, remarks: list[Remark]) -> Iterator[Cue]:
    """Each cue with its rows; the row before its times is its number or its name."""
    rows, is_vtt = text.splitlines(), fits_vtt(text)
    arrows = [place for place, row in enumerate(rows) if ARROW.match(row)]
    for count, (place, following) in enumerate(pairwise([*arrows, len(rows)]), start=1):
        own = rows[place + 1 : following]
        if following < len(rows) and own and _is_name(own, count + 1, is_vtt):
            own.pop()
        if is_vtt:
            ended = next((at for at, row in enumerate(own) if not row), len(own))
            for at, row in enumerate(own[ended:], start=place + 2 + ended):
                if NOTE.match(row):
                    break
                if row.strip():
                    remarks.append(Remark("not_read", at, row))
            own = own[:ended]
        match = ARROW.match(rows[place])
        assert match is not None
        start_s, end_s = (seconds(_time(match.groups()[at : at + 4])) for at in (0, 4))
        times = checked_times(start_s, end_s, remarks, place + 1, f"{match[0].strip()}: no cue lasts so")
        yield Cue(place + 1, *times, own)


def _is_name(rows: Sequence[str], number: int, is_vtt: bool) -> bool:
    """Whether the last row before a cue's times is not sung: SRT counts its cues, VTT may name them after a blank row."""
    alone = len(rows) == 1 or not rows[-2].strip()
    if is_vtt:
        return bool(rows[-1]) and alone and len(rows) > 1
    return bool(NUMBER.match(rows[-1])) and (alone or int(rows[-1]) in (number - 1, number))


def _not_rolled(cues: Sequence[Cue], remarks: list[Remark]) -> list[Cue]:
    """The cues without rows that stay on the screen from the cue before, in a file of captions that roll up."""
    short = [cue for cue in cues if cue.start_s is not None and (cue.end_s or 0.0) - cue.start_s <= SHORT_S]
    if len(short) < max(2, SHORT_SHARE * len(cues)):
        return [*cues]
    kept, last, dropped = [], "", 0
    for cue in cues:
        rows = [row for row in cue.rows if _without_tags(row).strip()]
        stays = bool(rows) and _without_tags(rows[0]).strip() == last
        last = _without_tags(rows[-1]).strip() if rows else last
        dropped += stays
        kept.append(replace(cue, rows=rows[stays:]))
    remarks.append(Remark("rolled", 0, f"{dropped} rows stay from the cue before, and are read once"))
    return kept


def _syllables(row: str, start_s: float | None, end_s: float | None) -> tuple[Syllable, ...]:
    """The pieces between the stamps of a row; one without text ends what is before it."""
    marks = list(STAMP.finditer(row))
    if not marks:
        return (Syllable(_without_tags(row)),)
    times = [start_s, *(seconds(_time(mark.groups())) for mark in marks), end_s]
    edges = [0, *(edge for mark in marks for edge in mark.span()), len(row)]
    pieces: list[Syllable] = []
    for place, (from_s, until_s) in enumerate(pairwise(times)):
        text = _without_tags(row[edges[2 * place] : edges[2 * place + 1]])
        if text.strip():
            pieces.append(Syllable(text, from_s, until_s))
        elif pieces and text and not pieces[-1].text.endswith(" "):
            pieces[-1] = replace(pieces[-1], text=pieces[-1].text + " ")
    return tuple(pieces)


def _without_tags(row: str) -> str:
    return html.unescape(TAG.sub("", STAMP.sub("", row)))


def _time(groups: tuple[str | None, ...]) -> float:
    hours, minutes, whole, digits = (group or "0" for group in groups)
    return int(hours) * 3600 + int(minutes) * 60 + int(whole) + int(digits) / 10 ** len(digits)


def _escaped(text: str) -> str:
    return html.escape(_no_empty_row(text), quote=False)


def _no_empty_row(text: str) -> str:
    return re.sub(r"\n\s*\n", "\n", text)


SRT = Form("SRT", (".srt",), fits_srt, read, write_srt)
VTT = Form("WebVTT", (".vtt",), fits_vtt, read, write_vtt)
