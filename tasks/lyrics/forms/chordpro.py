"""Chord sheets with marks of their own: ChordPro's directives, and Ultimate Guitar's ``[ch]`` and ``[tab]``.

Chords go, wherever they stand; parts that a directive begins become labels; ``{chorus}`` is the last chorus once more. Sheets
with chords over the words, and no marks, are plain text. There is no writer: nothing here has chords.
https://www.chordpro.org/chordpro/chordpro-directives/
"""

from __future__ import annotations

import re

from tasks.lyrics.parts.unsung import is_label
from tasks.lyrics.parts.written import Form, Line, Remark, Written, plain_line

DIRECTIVE = re.compile(
    r"\{\s{0,9}(?P<name>[a-z_]{1,30})(?:-[\w!-]{1,30})?(?:[:\s](?P<text>.*))?\}", re.IGNORECASE
)
NAMES = ("title", "t", "subtitle", "st", "artist")
COMMENTS = ("comment", "c", "comment_italic", "ci", "comment_box", "cb", "highlight")
PARTS = {"start_of_chorus": "Chorus", "soc": "Chorus", "start_of_verse": "Verse", "sov": "Verse"}
PARTS |= {"start_of_bridge": "Bridge", "sob": "Bridge", "start_of_part": "Part", "sop": "Part"}
ENDS = ("end_of_chorus", "eoc", "end_of_verse", "eov", "end_of_bridge", "eob", "end_of_part", "eop")
UNSUNG = ("tab", "grid", "abc", "ly", "svg", "textblock")
SHORT = {"sot": "tab", "sog": "grid", "eot": "tab", "eog": "grid"}
OTHERS = (
    "key",
    "capo",
    "tempo",
    "time",
    "composer",
    "lyricist",
    "album",
    "year",
    "define",
    "chorus",
    "new_song",
    "ns",
    "meta",
)
KNOWN = {*NAMES, *COMMENTS, *PARTS, *ENDS, *SHORT, *OTHERS, *(f"start_of_{kind}" for kind in UNSUNG)}
BRACKETS = re.compile(r"\[([^\[\]\n]*)\]")
TAGGED = re.compile(r"\[ch\]([^\[\]\n]{0,30})\[/ch\]|\[/?tab\]", re.IGNORECASE)
MAX_RECALLS = 50


def fits(text: str) -> bool:
    """A directive that is known, or a chord in tags."""
    found = map(_directive, text.splitlines())
    return TAGGED.search(text) is not None or any(match and match["name"].lower() in KNOWN for match in found)


def _directive(row: str) -> re.Match[str] | None:
    """The directive that a row is; None where it is none."""
    row = row.strip()
    return DIRECTIVE.fullmatch(row) if row.startswith("{") and row.endswith("}") else None


def read(text: str) -> Written:
    sheet = _Sheet()
    for number, row in enumerate(text.splitlines(), start=1):
        if directive := _directive(row):
            sheet.direct(directive["name"].lower(), (directive["text"] or "").strip(" :\t"), number)
        else:
            sheet.take(row, number)
    return Written(tuple(sheet.lines), names=tuple(sheet.names), remarks=tuple(sheet.remarks))


class _Sheet:
    """The lines so far, and the part of the sheet that is open."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.names: list[str] = []
        self.remarks: list[Remark] = []
        self.chorus: list[Line] = []
        self.open = ""
        self.recalls = 0

    def direct(self, name: str, text: str, number: int) -> None:
        """A directive."""
        name = f"{'start' if name in ('sot', 'sog') else 'end'}_of_{SHORT[name]}" if name in SHORT else name
        if name in NAMES:
            self.names.append(text)
        elif name in PARTS:
            self.open = PARTS[name]
            if self.open == "Chorus":
                self.chorus = []
            label = re.sub(r'^label\s*=\s*"?([^"]*)"?$', r"\1", text)
            self._add(plain_line(f"[{label.strip('[]') or self.open}]", number))
        elif name in COMMENTS:
            if is_label(text, marked=True):
                self._add(plain_line(f"[{text.strip('[]')}]", number))
            else:
                self.remarks.append(Remark("comment", number, text))
        elif name == "chorus":
            self._again(number)
        elif name.removeprefix("start_of_") in UNSUNG:
            self.open = name.removeprefix("start_of_")
        elif name.startswith("end_of_") or name in ENDS:
            self.open = ""

    def take(self, row: str, number: int) -> None:
        """A line that is no directive."""
        if row.startswith("#"):
            return
        if self.open in UNSUNG:
            if row.strip():
                self.remarks.append(Remark("chords", number, row))
            return
        text = TAGGED.sub("", row)
        text = BRACKETS.sub(lambda match: match[0] if is_label(match[1], marked=True) else "", text)
        if text != row:
            self.remarks.append(Remark("chords", number, row))
        self._add(plain_line(text, number))

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        if self.open == "Chorus":
            self.chorus.append(line)

    def _again(self, number: int) -> None:
        self.recalls += 1
        if not self.chorus:  # none stands before it: the name of the part that follows
            self._add(plain_line("[Chorus]", number))
        elif self.recalls <= MAX_RECALLS:
            self.lines += self.chorus
        else:
            told = f"{{chorus}} is not repeated: no more than {MAX_RECALLS} times"
            self.remarks.append(Remark("repeat", number, told))


FORM = Form("chord sheet", (".cho", ".chordpro", ".chopro", ".crd", ".pro"), fits, read)
