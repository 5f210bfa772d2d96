"""What is true of one song of world two, whole and exact, as records (`Truth`: phones, syllables, notes, chords, beats, strikes, parts), and its JSON form.

The records are the form: `to_json` writes every field under its name, lists in order, and `from_json` reads it back to
equal records. Times are seconds of the song, pitches MIDI note numbers, pitch classes 0 = C to 11 = B; what belongs to
something else names it by its place in that list (`Phone.syllable`, `Syllable.word`, `Word.line`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import TypeAdapter

Drum = Literal["kick", "snare", "hat"]
Manner = Literal["sung", "spoken", "backing", "ad_lib", "hum"]


@dataclass(frozen=True)
class Phone:
    """A phone in the voice's own IPA without stress marks."""

    ipa: str
    start_s: float
    end_s: float
    syllable: int


@dataclass(frozen=True)
class Syllable:
    """A syllable as it is written; its phones fill it."""

    text: str
    start_s: float
    end_s: float
    word: int


@dataclass(frozen=True)
class Word:
    """A word, and the causes of its length; `place` is its place in its line, from 0."""

    text: str
    start_s: float
    end_s: float
    line: int
    place: int
    num_syllables: int
    stressed: bool
    long: bool
    last: bool


@dataclass(frozen=True)
class Note:
    """One pitch of the voice. A syllable of several notes is a melisma."""

    start_s: float
    end_s: float
    midi: float
    syllable: int


@dataclass(frozen=True)
class Line:
    """A line of one voice: words `first_word` to `end_word` - 1. Backing lines repeat words of a line of the lyrics.

    in_lyrics: whether its words stand in the lyrics of the song (those of backing lines and hums do not).
    """

    first_word: int
    end_word: int
    part: int
    language: str
    voice: str
    manner: Manner
    fast: bool
    syncopated: bool
    pick_up: bool
    in_lyrics: bool


@dataclass(frozen=True)
class Chord:
    """A chord: `name` as Harte writes it (``A:min7/b3``), `quality` its middle, `root` and `bass` pitch classes."""

    name: str
    root: int
    quality: str
    bass: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Beat:
    """A beat; position 1 is a downbeat."""

    time_s: float
    position: int


@dataclass(frozen=True)
class Strike:
    """One strike of one drum."""

    time_s: float
    drum: Drum


@dataclass(frozen=True)
class BassNote:
    """A note of the bass, plucked at every beat and at no other time."""

    time_s: float
    midi: int


@dataclass(frozen=True)
class Key:
    """The key from a time on: its tonic as a pitch class, and its mode."""

    start_s: float
    tonic: int
    mode: Literal["major", "minor"]


@dataclass(frozen=True)
class PartStyle:
    """What a part sounds like, each attribute drawn by itself.

    strikes_per_bar: how often the chord is struck. register_midi: the lowest note a chord may have. brightness: partials
    of its tones. side_share: level of the chords' side signal over their middle one. tremolo_hz: 0 is none.
    kick, snare: which of the metre's patterns; snare -1 is none. melody_lift: semitones the voice's range is raised.
    """

    snare: int
    hat: bool
    kick: int
    strikes_per_bar: int
    register_midi: int
    brightness: int
    side_share: float
    tremolo_hz: float
    melody_lift: int


@dataclass(frozen=True)
class Part:
    """A part of the song, from one downbeat to another."""

    label: Literal["intro", "verse", "chorus", "bridge", "outro"]
    start_s: float
    end_s: float
    style: PartStyle


@dataclass(frozen=True)
class Fault:
    """What is wrong with a song on purpose, where, and how much."""

    kind: str
    start_s: float
    end_s: float
    detail: str


@dataclass(frozen=True)
class Truth:
    """All of it. tempo_bpm counts beats, beats_per_bar of them a bar; swing is where in a beat its second half begins."""

    seed: int
    genre: str
    style: str
    lyrics: tuple[str, ...]
    duration_s: float
    tempo_bpm: float
    beats_per_bar: int
    swing: float
    keys: tuple[Key, ...]
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    words: tuple[Word, ...]
    syllables: tuple[Syllable, ...]
    phones: tuple[Phone, ...]
    notes: tuple[Note, ...]
    chords: tuple[Chord, ...]
    beats: tuple[Beat, ...]
    strikes: tuple[Strike, ...]
    bass: tuple[BassNote, ...]
    faults: tuple[Fault, ...] = ()


@cache
def _form() -> TypeAdapter[Truth]:
    return TypeAdapter(Truth)


def to_json(truth: Truth) -> str:
    """The record as JSON, an entry of a list a line short enough to read."""
    return _form().dump_json(truth, indent=1).decode() + "\n"


def from_json(text: str) -> Truth:
    """The record that `to_json` wrote. Raises ValueError where the text is no truth of a song."""
    return _form().validate_json(text)
