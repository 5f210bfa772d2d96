"""MusicXML, plain or zipped: the words and pitches of the first part that has some, a verse a visit, with repeats played out.

Our own, as music21 keeps time by the printed tempo where ``<sound>`` states another, and partitura loses lyrics. A measure's
first visit has its first verse, the second its second; where it has fewer, its last. Ties and melismas hold a syllable.
Lines end where ``end-line`` says so. https://www.w3.org/2021/06/musicxml40/
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.sax.saxutils import escape

from tasks.engine.song import Refused
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.parts.mxl import holds_score, unzipped_score
from tasks.lyrics.parts.repeats import Signs, played
from tasks.lyrics.parts.score import (
    Lyric,
    Measure,
    ScoreNote,
    clock_of,
    measures_of,
    parts_of,
    seconds_into,
)
from tasks.lyrics.parts.timed import Piece, timed_pieces
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, seconds
from tasks.lyrics.parts.xml import parsed, root_is, text_of

MAX_SYLLABLES, MAX_NOTES = 20_000, 200_000
"""Of one song, repeats counted."""
AT_ONCE = 1e-3  # quarters between the end of a note and one that goes on from it
NAMES = ("work/work-title", "movement-title", "identification/creator")
STEPS = ("C", "C", "D", "D", "E", "F", "F", "G", "G", "A", "A", "B")
DIVISIONS = 1000
"""Of a quarter of one second: the grid of what is written is 1 ms."""


def fits(text: str) -> bool:
    """Its root."""
    return root_is(text, "score-partwise", "score-timewise")


def read(text: str) -> Written:
    """The words of the first part with lyrics.

    Raises:
        Refused: ``lyrics_malformed``: no XML, or no part has lyrics; ``lyrics_too_long``.
    """
    root = parsed(text, "MusicXML")
    parts = [measures_of(part) for part in parts_of(root)]
    counts = [sum(len(note.lyrics) for measure in part for note in measure.notes) for part in parts]
    place = next((place for place, count in enumerate(counts) if count), None)
    if place is None:
        raise Refused("lyrics_malformed", "MusicXML: no note of the score has lyrics; give a score with them")
    song = _Song(with_signs_of_all(parts, place))
    if others := sum(counts) - counts[place]:
        song.remarks.append(Remark("other_part", 0, f"{others} syllables of other parts are not read"))
    names = tuple(filter(None, (text_of(root.find(name)) for name in NAMES)))
    return replace(song.written(), names=names)


def read_mxl(data: bytes) -> Written:
    """As `read`, of the score in a zip file.

    Raises:
        Refused: as `read` and `unzipped_score`.
    """
    text = decode_text(unzipped_score(data))
    if not fits(text):
        raise Refused("lyrics_malformed", "MXL: what the zip file names is no score; export the score anew")
    return read(text)


def write(written: Written) -> bytes:
    """One part at 60 quarters a minute in steps of 1 ms, a measure a line: for programs, not for reading music from.

    A note without a pitch is unpitched. There is one voice: a syllable begins no earlier than the one before it ends.
    """
    title, artist = (*written.names, "", "")[:2]
    rows = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<score-partwise version="4.0">\n',
        f"<work><work-title>{escape(title)}</work-title></work>\n",
        f'<identification><creator type="artist">{escape(artist)}</creator></identification>\n',
        '<part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>\n<part id="P1">\n',
    ]
    now = 0
    for place, line in enumerate(timed_pieces(written, "MusicXML", notes=True)):
        rows.append(f'<measure number="{place + 1}">\n')
        if place == 0:
            time = "<time><senza-misura/></time>"
            rows.append(
                f'<attributes><divisions>{DIVISIONS}</divisions>{time}</attributes>\n<sound tempo="60"/>\n'
            )
        for piece, lyric in zip(line, _lyrics(line), strict=True):
            start, end = (round(time_s * DIVISIONS) for time_s in (piece.start_s, piece.end_s))
            if start > now:
                rows.append(f"<note><rest/><duration>{start - now}</duration></note>\n")
                now = start
            length = max(1, end - now)
            now += length
            rows.append(f"<note>{_pitch(piece)}<duration>{length}</duration>{lyric}</note>\n")
        rows.append("</measure>\n")
    return "".join([*rows, "</part>\n</score-partwise>\n"]).encode()


class _Song:
    """A part as it is sung."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures = measures
        self.remarks: list[Remark] = []
        self.lines: list[Line] = []
        self.syllables: list[Syllable] = []
        self.number = 0
        self.holds = False
        self.slurs = 0
        self.end = -1.0
        lyrics = [lyric for measure in measures for note in measure.notes for lyric in note.lyrics]
        self.count = 0
        self.line_ends = False
        self.by_hyphen = not any(lyric.goes_on for lyric in lyrics)
        self.has_lines = any(lyric.ends_line for lyric in lyrics)
        self.voices = Counter(note.voice for measure in measures for note in measure.notes if note.lyrics)

    def written(self) -> Written:
        clock = clock_of(self.measures)
        if clock is None:
            self.remarks.append(
                Remark("no_tempo", 0, "the score states no tempo, so its words have no times")
            )
        visits: Counter[int] = Counter()
        verses: dict[int, set[str]] = defaultdict(set)
        at = at_s = 0.0
        num_notes = 0
        for place in played([measure.signs for measure in self.measures]):
            measure = self.measures[place]
            visits[place] += 1
            num_notes += len(measure.notes) + len(measure.labels)
            if self.count > MAX_SYLLABLES or num_notes > MAX_NOTES:
                most = f"{MAX_SYLLABLES} syllables or {MAX_NOTES} notes"
                raise Refused("lyrics_too_long", f"MusicXML: the repeats of the score play more than {most}")
            verse = measure.verse(visits[place])
            verses[place].add(verse)
            tempos = clock[place] if clock else []
            for label in measure.labels:
                self._end_line()
                self.lines.append(Line((Syllable(f"[{label}]"),), number=place + 1))
            self.number = self.number or place + 1
            for note in self._sung(measure, place):
                times = [
                    at_s + seconds_into(tempos, quarters)
                    for quarters in (note.start, note.start + note.length)
                ]
                self._sing(note, verse, at, times if clock else [])
            at += measure.length
            at_s += seconds_into(tempos, measure.length)
        self._end_line()
        self._tell_unsung(verses)
        return Written(tuple(self.lines), has_lines=self.has_lines, remarks=tuple(self.remarks))

    def _sung(self, measure: Measure, place: int) -> list[ScoreNote]:
        """The notes of the measure's voice with lyrics: that which has most in the part, if it has some here."""
        here = {note.voice for note in measure.notes if note.lyrics} or {note.voice for note in measure.notes}
        voice = max(sorted(here), key=lambda voice: self.voices[voice], default="")
        if len({note.voice for note in measure.notes if note.lyrics}) > 1:
            self.remarks.append(Remark("other_part", place + 1, "words of another voice are not read"))
        return sorted((note for note in measure.notes if note.voice == voice), key=lambda note: note.start)

    def _sing(self, note: ScoreNote, verse: str, at: float, times: list[float]) -> None:
        start_s, end_s = (seconds(time_s) for time_s in times) if times else (None, None)
        lyric = next((lyric for lyric in note.lyrics if lyric.verse == verse), None)
        goes_on = bool(self.syllables) and abs(at + note.start - self.end) < AT_ONCE
        if lyric is not None:
            if self.line_ends:
                self._end_line()
            self.line_ends = lyric.ends_line
            text, joins = self._text(lyric)
            self.syllables.append(Syllable(text if joins else text + " ", start_s, end_s, note.pitch))
            self.holds = lyric.extends or joins or note.length == 0
            self.slurs = 0
            self.end = at + note.start + note.length
            self.count += 1
        elif goes_on and note.is_tied:
            self.syllables[-1] = replace(self.syllables[-1], end_s=end_s)
            self.end = at + note.start + note.length
        elif goes_on and (self.holds or self.slurs > 0):
            self.syllables.append(Syllable("", start_s, end_s, note.pitch))
            self.end = at + note.start + note.length
        elif note.lyrics:
            said = " ".join(lyric.text for lyric in note.lyrics)
            self.remarks.append(
                Remark("verse_gap", self.number, f"verse {verse} has nothing where another has {said!r}")
            )
        self.slurs += note.slurs

    def _text(self, lyric: Lyric) -> tuple[str, bool]:
        """A syllable's text, and whether its word goes on; a score without such marks may have hyphens for them."""
        if self.by_hyphen and lyric.text.endswith("-"):
            return lyric.text.rstrip("-"), True
        return lyric.text, lyric.goes_on

    def _end_line(self) -> None:
        if self.syllables:
            first, last = self.syllables[0], self.syllables[-1]
            times = (first.start_s, last.end_s) if self.has_lines else (None, None)
            self.lines.append(Line(tuple(self.syllables), *times, self.number))
        self.syllables, self.number, self.line_ends = [], 0, False

    def _tell_unsung(self, verses: dict[int, set[str]]) -> None:
        """Remarks of verses that no repeat reaches."""
        for place, measure in enumerate(self.measures):
            lyrics = [lyric for note in measure.notes for lyric in note.lyrics]
            for verse in sorted({lyric.verse for lyric in lyrics} - verses[place]):
                text = " ".join(lyric.text for lyric in lyrics if lyric.verse == verse)
                self.remarks.append(Remark("not_reached", place + 1, f"verse {verse}: {text}"))


def with_signs_of_all(parts: Sequence[Sequence[Measure]], place: int) -> Sequence[Measure]:
    """A part with the tempos, labels and signs that stand in any."""
    for part in (*parts[:place], *parts[place + 1 :]):
        for own, other in zip(parts[place], part, strict=False):
            own.length = max(own.length, other.length)
            own.tempos = [*({**dict(other.tempos), **dict(own.tempos)}).items()]
            own.labels = own.labels or other.labels
            for sign in Signs.__dataclass_fields__:
                setattr(own.signs, sign, getattr(own.signs, sign) or getattr(other.signs, sign))
    return parts[place]


def _pitch(piece: Piece) -> str:
    if piece.pitch is None:
        return "<unpitched/>"
    step = STEPS[piece.pitch % 12]
    alter = "<alter>1</alter>" if piece.pitch % 12 in (1, 3, 6, 8, 10) else ""
    return f"<pitch><step>{step}</step>{alter}<octave>{piece.pitch // 12 - 1}</octave></pitch>"


def _lyrics(line: Sequence[Piece]) -> Iterator[str]:
    """The lyric under each piece; one whose word goes on says so, and so does a line's last."""
    whole, at = "".join(piece.text for piece in line), 0
    for piece, following in zip(line, [*line[1:], None], strict=True):
        text = " ".join(piece.text.split())
        after = at + len(piece.text)
        before = whole[:at][-1:] + piece.text[:1]
        behind = piece.text[-1:] + whole[after : after + 1]
        starts, ends = before.strip() != before or at == 0, behind.strip() != behind or after == len(whole)
        at = after
        syllabic = ("single" if ends else "begin") if starts else ("end" if ends else "middle")
        is_held = following is not None and not following.text.strip()
        marks = "<extend/>" * (is_held and ends) + "<end-line/>" * (not whole[after:].strip())
        yield (
            f"<lyric><syllabic>{syllabic}</syllabic><text>{escape(text)}</text>{marks}</lyric>"
            if text
            else ""
        )


FORM = Form("MusicXML", (".musicxml", ".xml"), fits, read, write, has_notes=True)
ZIPPED = Form("zipped MusicXML", (".mxl",), holds_score, read_mxl, binary=True)
