"""A MusicXML part as measures of notes with lyrics (elements of XML), in quarter notes from each measure's start; its clock by tempo."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from tasks.lyrics.parts.repeats import Signs
from tasks.lyrics.parts.xml import text_of

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
QUARTERS = {
    "long": 16,
    "breve": 8,
    "whole": 4,
    "half": 2,
    "quarter": 1,
    "eighth": 1 / 2,
    "16th": 1 / 4,
    "32nd": 1 / 8,
}
DA_CAPO = re.compile(r"\s*(?:d\.?\s?c\.?(?:\s|$)|da capo)", re.IGNORECASE)
DAL_SEGNO = re.compile(r"\s*(?:d\.?\s?s\.?(?:\s|$)|dal segno)", re.IGNORECASE)
TO_CODA = re.compile(r"\s*to coda", re.IGNORECASE)
FINE = re.compile(r"\s*fine\s*$", re.IGNORECASE)
LARGEST = 1e6


@dataclass(frozen=True)
class Lyric:
    """A syllable under a note. `goes_on`: its word does, in the next one; `extends`: it is held over notes that follow."""

    verse: str
    text: str
    goes_on: bool
    extends: bool
    ends_line: bool


@dataclass
class ScoreNote:
    """A note, or a chord, of which `pitch` is the highest; `start` and `length` in quarters, 0 long for a grace note."""

    start: float
    length: float
    pitch: int | None
    voice: str
    lyrics: list[Lyric] = field(default_factory=list)
    is_tied: bool = False
    slurs: int = 0


@dataclass
class Measure:
    """What stands in a measure: notes, tempos by their places (quarters a minute), labels, signs; its length in quarters."""

    length: float = 0.0
    notes: list[ScoreNote] = field(default_factory=list)
    tempos: list[tuple[float, float]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)

    def verse(self, visit: int) -> str:
        """The verse of a visit, counted from 1: the last one where there are fewer; empty without lyrics."""
        verses = {lyric.verse for note in self.notes for lyric in note.lyrics}
        ordered = sorted(verses, key=lambda verse: (int((re.findall(r"\d{1,4}", verse) or ["0"])[-1]), verse))
        return ordered[min(visit, len(ordered)) - 1] if ordered else ""


def parts_of(root: Element) -> list[list[Element]]:
    """The measures of each part, of a score by parts or by measures."""
    if root.tag == "score-partwise":
        return [part.findall("measure") for part in root.findall("part")]
    parts: dict[str, list[Element]] = {}
    for measure in root.findall("measure"):
        for part in measure.findall("part"):
            parts.setdefault(part.get("id", ""), []).append(part)
    return list(parts.values())


def measures_of(elements: Sequence[Element]) -> list[Measure]:
    """A part's measures; divisions, transposition and endings go on from one to the next."""
    reader = _Part()
    return [reader.measure(element) for element in elements]


def clock_of(measures: Sequence[Measure]) -> list[list[tuple[float, float, float]]] | None:
    """Of each measure, from which quarter on, at what time in it, how long a quarter is; None where nobody says.

    Tempos go on in the order of the score, not of its playing; what stands before the first has the first.
    """
    tempo = next((measure.tempos[0][1] for measure in measures if measure.tempos), None)
    if tempo is None:
        return None
    clock = []
    for measure in measures:
        changes = [(0.0, 0.0, 60 / tempo)]
        for quarters, tempo in sorted(measure.tempos):
            before, at_s, quarter_s = changes[-1]
            changes.append((quarters, at_s + (quarters - before) * quarter_s, 60 / tempo))
        clock.append(changes)
    return clock


def seconds_into(changes: Sequence[tuple[float, float, float]], quarters: float) -> float:
    """When a place in a measure is, from the measure's start."""
    if not changes:
        return 0.0
    before, at_s, quarter_s = changes[bisect_right(changes, quarters, key=lambda change: change[0]) - 1]
    return at_s + (quarters - before) * quarter_s


def number(text: str | None, default: float = 0.0) -> float:
    """A number from -`LARGEST` to `LARGEST`, else the default."""
    try:
        value = float(text or "")
    except ValueError:
        return default
    return value if -LARGEST <= value <= LARGEST else default


class _Part:
    """What holds from one measure of a part to the next."""

    def __init__(self) -> None:
        self.divisions = 1.0
        self.semitones = 0
        self.endings: tuple[int, ...] = ()
        self.at = 0.0
        self.measure_now = Measure()

    def measure(self, element: Element) -> Measure:
        now = self.measure_now = Measure()
        self.at = 0.0
        stops = False
        for child in element:
            if child.tag == "note":
                self._note(child)
            elif child.tag in ("backup", "forward"):
                by = number(child.findtext("duration")) / self.divisions
                self.at = max(0.0, self.at + (by if child.tag == "forward" else -by))
            elif child.tag == "attributes":
                self._attributes(child)
            elif child.tag in ("direction", "sound"):
                self._direction(child)
            elif child.tag == "barline":
                stops |= self._barline(child)
            now.length = max(now.length, self.at)
        now.signs.endings = self.endings
        if stops:
            self.endings = ()
        return now

    def _attributes(self, element: Element) -> None:
        divisions = number(element.findtext("divisions"))
        self.divisions = divisions if divisions > 0 else self.divisions
        if (transpose := element.find("transpose")) is not None:
            octaves = number(transpose.findtext("octave-change"))
            self.semitones = int(number(transpose.findtext("chromatic")) + 12 * octaves)

    def _note(self, element: Element) -> None:
        is_chord, is_grace = element.find("chord") is not None, element.find("grace") is not None
        length = 0.0 if is_grace else max(0.0, number(element.findtext("duration"))) / self.divisions
        pitch = self._pitch(element.find("pitch"))
        notes = self.measure_now.notes
        if element.find("rest") is not None:
            self.at += length
        elif is_chord and notes:
            if pitch is not None:
                notes[-1].pitch = max(notes[-1].pitch or 0, pitch)
            notes[-1].lyrics += _lyrics(element)
        else:
            note = ScoreNote(self.at, length, pitch, element.findtext("voice", "1"), list(_lyrics(element)))
            note.is_tied = any(tie.get("type") == "stop" for tie in element.findall("tie"))
            for slur in element.findall("notations/slur"):
                note.slurs += {"start": 1, "stop": -1}.get(slur.get("type", ""), 0)
            notes.append(note)
            self.at += length

    def _pitch(self, element: Element | None) -> int | None:
        if element is None or element.findtext("step", "").strip() not in STEPS:
            return None
        step = STEPS[element.findtext("step", "").strip()] + int(number(element.findtext("alter")))
        pitch = 12 * (int(number(element.findtext("octave"))) + 1) + step + self.semitones
        return pitch if 0 <= pitch < 128 else None

    def _direction(self, element: Element) -> None:
        """Tempo, labels and signs of a direction, or of a sound that stands alone."""
        now, signs = self.measure_now, self.measure_now.signs
        at = max(0.0, self.at + number(element.findtext("offset")) / self.divisions)
        sound = element if element.tag == "sound" else element.find("sound")
        said = {} if sound is None else sound.attrib
        tempo = number(said.get("tempo")) or _metronome(element.find("direction-type/metronome"))
        if tempo > 0:
            now.tempos.append((at, tempo))
        words = [text_of(words) for words in element.findall("direction-type/words")]
        now.labels += [
            label for label in map(text_of, element.findall("direction-type/rehearsal")) if len(label) > 2
        ]

        def is_said(pattern: re.Pattern[str]) -> bool:
            return any(pattern.match(word) for word in words)

        signs.forward |= said.get("forward-repeat") == "yes"
        signs.segno |= "segno" in said or element.find("direction-type/segno") is not None
        signs.coda |= "coda" in said or element.find("direction-type/coda") is not None
        signs.to_coda |= "tocoda" in said or is_said(TO_CODA)
        signs.fine |= "fine" in said or is_said(FINE)
        signs.da_capo |= said.get("dacapo") == "yes" or is_said(DA_CAPO)
        signs.dal_segno |= "dalsegno" in said or is_said(DAL_SEGNO)

    def _barline(self, element: Element) -> bool:
        """Repeats and endings; gives whether an ending stops here."""
        signs = self.measure_now.signs
        signs.segno |= element.find("segno") is not None
        signs.coda |= element.find("coda") is not None
        repeat, ending = element.find("repeat"), element.find("ending")
        if repeat is not None and repeat.get("direction") == "forward":
            signs.forward = True
        elif repeat is not None:
            signs.backward = max(2, int(number(repeat.get("times"), 2.0)))
        if ending is None:
            return False
        if ending.get("type") == "start":
            self.endings = tuple(int(one) for one in re.findall(r"\d{1,3}", ending.get("number", "")))
            return False
        return True


def _lyrics(note: Element) -> Iterator[Lyric]:
    """The syllables under a note; words that share it have a blank between them."""
    for element in note.findall("lyric"):
        text, syllabic = "", "single"
        for child in element:
            if child.tag == "syllabic":
                syllabic = (child.text or "").strip()
            elif child.tag == "elision":
                text += "" if syllabic in ("begin", "middle") else " "
            elif child.tag == "text":
                text += re.sub(r"[\u203f\s]+", " ", child.text or "")
        goes_on = syllabic in ("begin", "middle")
        ends_line = element.find("end-line") is not None or element.find("end-paragraph") is not None
        if text.strip():
            verse = element.get("number") or "1"
            yield Lyric(verse, text.strip(), goes_on, element.find("extend") is not None, ends_line)


def _metronome(element: Element | None) -> float:
    """Quarters a minute; 0 where it says none."""
    if element is None:
        return 0.0
    dots = len(element.findall("beat-unit-dot"))
    per_minute = re.search(r"\d{1,4}(?:\.\d{1,6})?", element.findtext("per-minute") or "")
    unit = QUARTERS.get(element.findtext("beat-unit", "").strip(), 0.0)
    return float(per_minute[0]) * unit * (2 - 0.5**dots) if per_minute else 0.0
