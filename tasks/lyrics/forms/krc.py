"""KRC, YRC and QRC, the karaoke of KuGou, NetEase and QQ Music as text: lines and words with a start and a length in ms.

A line begins with ``[start,length]``. A word follows its mark, ``<offset,length,0>`` (KRC, from the line's start) or
``(start,length,0)`` (YRC), or stands before it, ``(start,length)`` (QRC). Blanks are the text's own. Rows of JSON that NetEase
puts before the lines are credits, and go; tags are those of LRC.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tasks.lyrics.parts.json_value import MS
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, plain_line, seconds

LINE = re.compile(r"\s*\[(\d{1,9}),(\d{1,9})\](.*)")
OFFSET = re.compile(r"<(?P<start>\d{1,9}),(?P<length>\d{1,9})(?:,-?\d{1,9})?>")
START = re.compile(r"\((?P<start>\d{1,9}),(?P<length>\d{1,9})(?:,-?\d{1,9})?\)")
TAG = re.compile(r"\s*\[\s*([a-zA-Z]{1,12})\s*:([^\]]*)\]\s*")
CREDITS = re.compile(r'\s*\{"t":')


def fits(text: str) -> bool:
    """A line with its start and length."""
    return any(LINE.match(row) for row in text.splitlines())


def read(text: str) -> Written:
    lines: list[Line] = []
    names: list[str] = []
    remarks: list[Remark] = []
    for number, row in enumerate(text.splitlines(), start=1):
        if found := LINE.match(row):
            lines.append(_line(int(found[1]), int(found[2]), found[3], number))
        elif tag := TAG.fullmatch(row):
            names += [tag[2].strip()] if tag[1].lower() in ("ti", "ar") and tag[2].strip() else []
        elif CREDITS.match(row):
            remarks.append(Remark("credit", number, row))
        elif row.strip():
            lines.append(plain_line(row, number))
    return Written(tuple(lines), names=tuple(names), remarks=tuple(remarks))


def _line(start: int, length: int, text: str, number: int) -> Line:
    syllables = tuple(_words(text, start)) or (Syllable(text),)
    return Line(syllables, seconds(start * MS), seconds((start + length) * MS), number)


def _words(text: str, line_start: int) -> list[Syllable]:
    """The words of a line with their times; a blank alone stays with the word before it."""
    marks = list(OFFSET.finditer(text))
    from_start = line_start if marks else 0
    marks = marks or list(START.finditer(text))
    if not marks:
        return []
    head, tail = text[: marks[0].start()], text[marks[-1].end() :]
    if head.strip() and not tail.strip():  # QRC: each mark follows its word
        edges = [0, *(mark.end() for mark in marks)]
        texts = [text[first : mark.start()] for first, mark in zip(edges, marks, strict=False)]
    else:
        edges = [*(mark.start() for mark in marks[1:]), len(text)]
        texts = [text[mark.end() : upto] for mark, upto in zip(marks, edges, strict=True)]
    words = [Syllable(head)] if head.strip() and tail.strip() else []
    for mark, its in zip(marks, texts, strict=True):
        start, length = from_start + int(mark["start"]), int(mark["length"])
        if its.strip():
            words.append(
                Syllable(its, seconds(start * MS), seconds((start + length) * MS) if length else None)
            )
        elif words:
            words[-1] = replace(words[-1], text=f"{words[-1].text} ")
    return words


def write(written: Written) -> bytes:
    """YRC, in whole milliseconds; a line without a time, or with a word without one, has its text and what is known of it."""
    rows = []
    for line in written.lines:
        starts = [one.start_s for one in line.syllables if one.start_s is not None]
        ends = [one.end_s for one in line.syllables if one.end_s is not None]
        start_s = line.start_s if line.start_s is not None else min(starts, default=None)
        if start_s is None:
            rows.append(line.text.strip())
            continue
        end_s = line.end_s if line.end_s is not None else max(ends, default=start_s)
        pieces = []
        for one in line.syllables:
            if one.start_s is not None:
                last_s = one.start_s if one.end_s is None else one.end_s
                pieces.append(f"({_ms(one.start_s)},{_ms(last_s) - _ms(one.start_s)},0)")
            pieces.append(one.text)
        rows.append(f"[{_ms(start_s)},{max(0, _ms(end_s) - _ms(start_s))}]{''.join(pieces).rstrip()}")
    return "".join(f"{row}\n" for row in rows).encode()


def _ms(time_s: float) -> int:
    return round(time_s * 1000)


FORM = Form("karaoke of KuGou, NetEase and QQ", (".yrc", ".krc", ".qrc"), fits, read, write, has_labels=True)
