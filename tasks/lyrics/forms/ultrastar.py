"""UltraStar: a note a line, in beats from a gap; the text of a note is a syllable, and a blank at its edge ends a word.

``: start length pitch text`` is a note, ``*`` a golden one, ``R`` and ``G`` rap, which has no pitch, and ``F`` freestyle:
sung or spoken as one likes, so its words stay and are told. ``~`` holds the syllable before on another note. ``- beat``
ends a line; with ``#RELATIVE:YES`` beats count from there, or from its second number. ``P1`` and ``P2`` begin the parts of a
duet, whose lines are put in the order of their times. ``#BPM`` counts four beats of notes each; ``B beat bpm`` changes it.
https://usdx.eu/format/
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from tasks.engine.song import Refused
from tasks.lyrics.parts.borders import words_apart
from tasks.lyrics.parts.timed import timed_pieces
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, seconds

NUMBER = r"[+-]?\d{1,9}(?:[.,]\d{1,6})?"
HEADER = re.compile(r"^\s*#\s*([A-Za-z0-9_]{1,30})\s*:(.*)$")
NOTE = re.compile(rf"^\s*([:*FRGfrg])\s*({NUMBER})\s+({NUMBER})\s+({NUMBER})(?:[ \t](.*))?$")
BREAK = re.compile(rf"^\s*-\s*({NUMBER})(?:\s+({NUMBER}))?\s*$")
TEMPO = re.compile(rf"^\s*B\s*({NUMBER})\s+({NUMBER})\s*$")
PART = re.compile(r"^\s*P\s*(\d)\s*$")
END = re.compile(r"^\s*E\s*$")
MIDDLE_C = 60  # MIDI's number of UltraStar's pitch 0
TOGETHER_S = 0.3
"""Lines of two singers with the same text that begin within this are one line."""
WRITTEN_BPM = 1500
"""A beat of 10 ms: the grid of what is written."""


def fits(text: str) -> bool:
    """A header and a note."""
    lines = text.splitlines()
    return any(HEADER.match(line) for line in lines) and any(NOTE.match(line) for line in lines)


def read(text: str) -> Written:
    headers = {
        match[1].upper(): match[2].strip() for row in text.splitlines() if (match := HEADER.match(row))
    }
    text = _recoded(text, headers.get("ENCODING", ""))
    song = _Song(headers)
    for number, row in enumerate(text.splitlines(), start=1):
        song.take(row, number)
    song.end_line()
    lines = _one_order(words_apart(song.lines), song.remarks)
    names = tuple(headers[key] for key in ("TITLE", "ARTIST") if headers.get(key))
    language = headers.get("LANGUAGE", "")
    return Written(tuple(lines), names=names, remarks=tuple(song.remarks), language=language)


def write(written: Written) -> bytes:
    """Times to 10 ms, ends for all (`timed_pieces`); a note without a pitch is rap."""
    title, artist = (*written.names, "", "")[:2]
    rows = ["#VERSION:1.0.0", f"#TITLE:{title}", f"#ARTIST:{artist}", f"#BPM:{WRITTEN_BPM}", "#GAP:0"]
    rows += [f"#LANGUAGE:{written.language}"] if written.language else []
    for line in timed_pieces(written, "UltraStar", notes=True):
        for piece in line:
            start, end = (round(time_s * WRITTEN_BPM / 15) for time_s in (piece.start_s, piece.end_s))
            kind, pitch = ("R", 0) if piece.pitch is None else (":", piece.pitch - MIDDLE_C)
            text = re.sub(r"\s+", " ", piece.text).replace("~", "-") or "~"
            rows.append(f"{kind} {start} {end - start} {pitch} {text}")
        rows.append(f"- {end}")
    return "\n".join([*rows, "E", ""]).encode()


class _Song:
    """The lines gathered so far, and the clock they are on."""

    def __init__(self, headers: dict[str, str]) -> None:
        bpm = _number(headers.get("BPM", ""))
        if bpm is None or bpm <= 0:
            raise Refused(
                "lyrics_malformed",
                f"UltraStar: #BPM is {headers.get('BPM', 'missing')[:20]!r}; give a number above 0",
            )
        gap_ms = _number(headers.get("GAP", "") or "0")
        self.remarks: list[Remark] = []
        if gap_ms is None:
            self.remarks.append(Remark("bad_time", 0, f"#GAP is {headers['GAP'][:20]!r}, taken as 0"))
        self.gap_s = (gap_ms or 0.0) / 1000
        self.tempos = [(0.0, 0.0, 15 / bpm)]  # from beat, at seconds, seconds a beat
        self.relative = headers.get("RELATIVE", "").upper() == "YES"
        self.origin = 0.0
        self.lines: list[Line] = []
        self.notes: list[Syllable] = []
        self.number = 0
        self.ended = False

    def take(self, row: str, number: int) -> None:
        """One line of the file."""
        if PART.match(row):
            self.end_line()
            self.origin, self.ended = 0.0, False
        elif END.match(row):
            self.end_line()
            self.ended = True
        elif self.ended and row.strip():
            self.remarks.append(Remark("after_end", number, row))
        elif note := NOTE.match(row):
            self.number = self.number or number
            beat, length, pitch = (_beats(note[place]) for place in (2, 3, 4))
            self._note(note[1].upper(), beat, length, pitch, note[5] or "", number)
        elif line_end := BREAK.match(row):
            self.end_line()
            if self.relative:
                self.origin += _beats(line_end[2] or line_end[1])
        elif tempo := TEMPO.match(row):
            self._change(_beats(tempo[1]) + self.origin, _beats(tempo[2]), number)
        elif row.strip() and not HEADER.match(row):
            self.remarks.append(Remark("not_read", number, row))

    def _note(self, kind: str, beat: float, length: float, pitch: float, text: str, number: int) -> None:
        start_s, end_s = (self._seconds(self.origin + at) for at in (beat, beat + max(0.0, length)))
        if start_s is None:
            self.remarks.append(
                Remark("bad_time", number, f"{text.strip()!r} at beat {beat:g} is before the song")
            )
        if kind == "F" and text.strip():
            self.remarks.append(Remark("freestyle", number, text))
        held = text.strip() in ("~", "-", "")
        text = " " * text.endswith((" ", "\t")) if held else text.replace("~", "")
        if held and not self.notes:
            self.remarks.append(Remark("not_read", number, "a note that holds nothing"))
            return
        has_pitch = kind in ":*" and abs(pitch) < MIDDLE_C
        self.notes.append(Syllable(text, start_s, end_s, MIDDLE_C + int(pitch) if has_pitch else None))

    def end_line(self) -> None:
        """The notes since the last line are one."""
        timed = [note for note in self.notes if note.start_s is not None]
        if self.notes:
            start_s, end_s = (timed[0].start_s, timed[-1].end_s) if timed else (None, None)
            self.lines.append(Line(tuple(self.notes), start_s, end_s, self.number))
        self.notes, self.number = [], 0

    def _change(self, beat: float, bpm: float, number: int) -> None:
        last_beat, last_s, beat_s = self.tempos[-1]
        if bpm <= 0 or beat < last_beat:
            self.remarks.append(
                Remark("bad_time", number, f"{bpm:g} beats a minute from beat {beat:g} on, not applied")
            )
        else:
            self.tempos.append((beat, last_s + (beat - last_beat) * beat_s, 15 / bpm))

    def _seconds(self, beat: float) -> float | None:
        at = bisect_right(self.tempos, beat, key=lambda tempo: tempo[0])
        first, at_s, beat_s = self.tempos[max(0, at - 1)]
        return seconds(self.gap_s + at_s + (beat - first) * beat_s)


def _one_order(lines: Sequence[Line], remarks: list[Remark]) -> list[Line]:
    """The lines of all parts by their starts; what two sing together stands once."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda line: line.start_s or 0.0):
        start_s = line.start_s
        ago = (
            {}
            if start_s is None
            else {_letters_of(one): start_s - one.start_s for one in kept[-4:] if one.start_s is not None}
        )
        if ago.get(_letters_of(line), TOGETHER_S) < TOGETHER_S:
            remarks.append(Remark("together", line.number, line.text))
        elif 0.0 in ago.values():  # another text of the other singer, and no translation
            kept.append(replace(line, start_s=None, end_s=None))
        else:
            kept.append(line)
    return kept


def _letters_of(line: Line) -> str:
    return "".join(line.text.lower().split())


def _recoded(text: str, encoding: str) -> str:
    """Text whose header names a code page that the bytes alone do not show (``CP1250``)."""
    try:
        return text.encode("cp1252").decode(encoding) if re.fullmatch(r"(?i)cp125\d", encoding) else text
    except (UnicodeError, LookupError):
        return text


def _number(text: str) -> float | None:
    return _beats(text.strip()) if re.fullmatch(NUMBER, text.strip()) else None


def _beats(text: str) -> float:
    return float(text.replace(",", "."))


FORM = Form("UltraStar", (".ultrastar.txt", ".txt"), fits, read, write, has_notes=True)
