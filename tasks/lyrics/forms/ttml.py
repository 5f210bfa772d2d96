"""TTML as music services and AMLL have it: a ``p`` a line, a ``span`` a syllable, blanks between spans where words end.

``itunes:songPart`` of a ``div`` is a label. Spans of the role ``x-bg`` are backing vocals and a line of their own; those of
``x-translation`` and ``x-roman``, and readings of ruby, are told and left out. By the standard a time counts from the start
of what is around it; most writers of lyrics count all from the song's start. Which of both a file does is seen from where
its inner times lie; where they say nothing, the standard holds. https://www.w3.org/TR/ttml2/#timing
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from tasks.lyrics.forms.subtitles import stamp
from tasks.lyrics.parts.borders import words_apart
from tasks.lyrics.parts.timed import without_held
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, seconds
from tasks.lyrics.parts.xml import parsed, root_is, text_of

CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2})(?:[.,](\d{1,9})|:(\d{1,3})(?:\.\d{1,3})?)?")
OFFSET = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s*(h|m|s|ms|f|t)?")
UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}
LEFT_OUT = {"x-translation": "translation", "x-roman": "romanisation", "x-romanization": "romanisation"}
READINGS = ("text", "textContainer", "delimiter")  # of ruby
SLACK_S = 0.05
LABEL = re.compile(r"\s*\[([^\[\]]+)\]\s*")
HEAD = '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:itunes="http://music.apple.com/lyric-ttml-internal" itunes:timing="Word">\n'


def fits(text: str) -> bool:
    """Its root."""
    return root_is(text, "tt")


def read(text: str) -> Written:
    root = parsed(text, "TTML")
    song = _Song(root)
    song.block(root, 0.0, "")
    head = root.find("head")
    names = (
        [] if head is None else [text_of(element) for tag in ("title", "name") for element in head.iter(tag)]
    )
    if head is not None:
        names += [
            meta.get("value", "") for meta in head.iter("meta") if meta.get("key") in ("musicName", "artists")
        ]
        if others := sum(1 for tag in ("translation", "transliteration") for _ in head.iter(tag)):
            song.remarks.append(Remark("translation", 0, f"the head holds {others}, not read"))
    return Written(
        tuple(words_apart(song.lines)),
        names=tuple(filter(None, names)),
        remarks=tuple(song.remarks),
        language=root.get("lang", ""),
    )


def write(written: Written) -> bytes:
    """Times to the millisecond of all that has them; a label begins a part."""
    head = HEAD.replace("<tt ", f"<tt xml:lang={quoteattr(written.language)} ") if written.language else HEAD
    rows = [head, "<body><div>\n"]
    for line in written.lines:
        if label := LABEL.fullmatch(line.text):
            rows.append(f"</div><div itunes:songPart={quoteattr(label[1])}>\n")
        elif line.text.strip():
            texts = (_span(syllable) for syllable in without_held(line).syllables)
            rows.append(f"<p{_times(line)}>{''.join(texts)}</p>\n")
    return "".join([*rows, "</div></body>\n</tt>\n"]).encode()


class _Song:
    """The lines gathered so far, and how the file counts its times."""

    def __init__(self, root: Element) -> None:
        rate = float(_number(root.get("frameRate"), 30.0))
        over = re.fullmatch(r"\s*(\d{1,6})[\s:]+([1-9]\d{0,5})\s*", root.get("frameRateMultiplier", ""))
        self.frame_s = 1 / (rate * (int(over[1]) / int(over[2]) or 1.0 if over else 1.0))
        sub = _number(root.get("subFrameRate"), 1.0)
        self.tick_s = 1 / _number(root.get("tickRate"), rate * sub if root.get("frameRate") else 1.0)
        self.lines: list[Line] = []
        self.remarks: list[Remark] = []
        self.entries = 0
        seq = any(element.get("timeContainer") == "seq" for element in root.iter())
        self.nested = seq or sum(self._votes(root, None, None)) >= 0

    def block(self, element: Element, from_s: float, label: str) -> None:
        """The lines in an element whose inner times count from `from_s` where times are nested."""
        at_s = from_s
        for child in element:
            start_s, end_s = self._span_of(child, at_s)
            if child.tag == "p":
                self._line(child, start_s, end_s, at_s if start_s is None else start_s)
            elif child.tag in ("body", "div"):
                part = " ".join((child.get("songPart") or child.get("song-part") or "").split())
                if part and part != label:
                    self.lines.append(Line((Syllable(f"[{part}]"),)))
                self.block(child, at_s if start_s is None else start_s, part)
            if element.get("timeContainer") == "seq" and end_s is not None:
                at_s = end_s

    def _line(self, paragraph: Element, start_s: float | None, end_s: float | None, from_s: float) -> None:
        self.entries += 1
        backing: list[Line] = []
        line = _joined(self._pieces(paragraph, from_s, (None, None), backing))
        if start_s is None:
            start_s = next((piece.start_s for piece in line if piece.start_s is not None), None)
        self.lines.append(Line(line, start_s, end_s, self.entries))
        self.lines += backing

    def _pieces(
        self, element: Element, from_s: float, times: tuple[float | None, float | None], backing: list[Line]
    ) -> Iterator[Syllable]:
        """The text of an element with the times of the innermost span that states some."""
        if element.text:
            yield Syllable(element.text, *times)
        for child in element:
            role = child.get("role", "")
            if child.tag == "br":
                yield Syllable(" ")
            elif role in LEFT_OUT or child.get("ruby") in READINGS:
                self.remarks.append(Remark(LEFT_OUT.get(role, "ruby"), self.entries, text_of(child)))
            elif child.tag == "span":
                start_s, end_s = self._span_of(child, from_s)
                stated = times if start_s is None else (start_s, end_s)
                inner_s = from_s if start_s is None else start_s
                if role == "x-bg":
                    pieces = _joined(self._pieces(child, inner_s, (None, None), backing))
                    starts = [piece.start_s for piece in pieces if piece.start_s is not None]
                    backing.append(Line(pieces, start_s if not starts else starts[0], end_s, self.entries))
                    self.remarks.append(Remark("backing", self.entries, text_of(child)))
                else:
                    yield from self._pieces(child, inner_s, stated, backing)
            if child.tail:
                yield Syllable(child.tail)

    def _span_of(self, element: Element, from_s: float) -> tuple[float | None, float | None]:
        """Start and end of an element in the song."""
        begin_s, end_s, dur_s = (self._seconds(element.get(key)) for key in ("begin", "end", "dur"))
        for key, found in (("begin", begin_s), ("end", end_s)):
            if found is None and element.get(key):
                self.remarks.append(
                    Remark("bad_time", self.entries, f"{key} {element.get(key, '')[:20]!r} is no time")
                )
        origin_s = from_s if self.nested else 0.0
        start_s = None if begin_s is None else seconds(origin_s + begin_s)
        if end_s is not None:
            return start_s, seconds(origin_s + end_s)
        return start_s, None if dur_s is None else seconds((from_s if start_s is None else start_s) + dur_s)

    def _votes(self, element: Element, begin_s: float | None, end_s: float | None) -> Iterator[int]:
        """What inner times say: 1 that they count from the start around them, -1 that they count from the song's."""
        for child in element:
            child_s, child_end_s = (self._seconds(child.get(key)) for key in ("begin", "end"))
            if begin_s and child_s is not None:
                too_long = (
                    end_s is not None and child_end_s is not None and child_end_s > end_s - begin_s + SLACK_S
                )
                if child_s < begin_s - SLACK_S:
                    yield 1
                elif too_long or child_s <= begin_s + SLACK_S:
                    yield -1
            yield from self._votes(child, *((begin_s, end_s) if child_s is None else (child_s, child_end_s)))

    def _seconds(self, text: str | None) -> float | None:
        """A time expression; frames and ticks by the rates of the file."""
        text = (text or "").strip()
        if match := OFFSET.fullmatch(text):
            unit = match[2] or ""
            unit_s = self.frame_s if unit == "f" else self.tick_s if unit == "t" else UNIT_S[unit]
            return seconds(float(match[1]) * unit_s)
        if match := CLOCK.fullmatch(text):
            hours, minutes, whole, digits, frames = (group or "0" for group in match.groups())
            fraction_s = int(digits) / 10 ** len(digits) + int(frames) * self.frame_s
            return seconds(int(hours) * 3600 + int(minutes) * 60 + int(whole) + fraction_s)
        return None


def _joined(pieces: Iterator[Syllable]) -> tuple[Syllable, ...]:
    """Pieces with blanks as one, and blanks alone behind the piece they follow."""
    joined: list[Syllable] = []
    for piece in pieces:
        text = re.sub(r"\s+", " ", piece.text)
        if text.strip():
            joined.append(replace(piece, text=text))
        elif joined and not joined[-1].text.endswith(" "):
            joined[-1] = replace(joined[-1], text=joined[-1].text + " ")
    if joined:
        joined[0] = replace(joined[0], text=joined[0].text.lstrip())
    return tuple(joined)


def _number(text: str | None, default: float) -> float:
    return float(text) if text and re.fullmatch(r"[1-9]\d{0,9}", text.strip()) else default


def _times(stated: Line | Syllable) -> str:
    times = (("begin", stated.start_s), ("end", stated.end_s))
    return "".join(f' {key}="{stamp(time_s)}"' for key, time_s in times if time_s is not None)


def _span(syllable: Syllable) -> str:
    text = escape(syllable.text)
    return text if syllable.start_s is None else f"<span{_times(syllable)}>{text}</span>"


FORM = Form("TTML", (".ttml", ".xml"), fits, read, write, has_labels=True)
