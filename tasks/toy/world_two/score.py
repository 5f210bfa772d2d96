"""A song of world two on paper, as records (`Score`, `SungLine`, `SungWord`): everything but which phones its voices have, which is theirs to say."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.toy.languages.language import Lexeme, Voice
from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ
from tasks.toy.world_two.truth import BassNote, Beat, Chord, Key, Manner, Part, Strike


@dataclass(frozen=True)
class Genre:
    """What a song is called and how its band is mixed; which words and parts it has, it does not say."""

    name: str
    description: str
    falling: float  # partial k of a chord's tones has the level k**-falling
    drum_level: float


GENRES: dict[str, Genre] = {
    genre.name: genre
    for genre in (
        Genre("ballad", "soft ballad", 1.8, 0.35),
        Genre("pop", "bright pop", 1.1, 0.8),
        Genre("rock", "loud rock", 0.9, 1.0),
        Genre("folk", "plain folk", 1.4, 0.3),
    )
}


@dataclass(frozen=True)
class SungWord:
    """A word that sounds from `start_s` for `length_s`; `pitches` are the MIDI notes of each of its syllables."""

    lexeme: Lexeme
    start_s: float
    length_s: float
    pitches: tuple[tuple[float, ...], ...]

    @property
    def end_s(self) -> float:
        """Where it stops sounding."""
        return self.start_s + self.length_s


@dataclass(frozen=True)
class SungLine:
    """A line of one voice in time. `number` tells lines of a song apart."""

    number: int
    words: tuple[SungWord, ...]
    part: int
    language: str
    voice: Voice
    manner: Manner
    fast: bool
    syncopated: bool
    pick_up: bool
    in_lyrics: bool

    @property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(word.lexeme.text for word in self.words)


@dataclass(frozen=True)
class Score:
    """The whole song. `lines` stand in the order of their starts."""

    seed: int
    genre: str
    tempo_bpm: float
    beats_per_bar: int
    swing: float
    num_samples: int
    vocals_over_band_db: float
    keys: tuple[Key, ...]
    parts: tuple[Part, ...]
    lines: tuple[SungLine, ...]
    chords: tuple[Chord, ...]
    beats: tuple[Beat, ...]
    strikes: tuple[Strike, ...]
    bass: tuple[BassNote, ...]

    @property
    def duration_s(self) -> float:
        """Length of the song."""
        return self.num_samples / SAMPLE_RATE_HZ

    @property
    def text_lines(self) -> tuple[str, ...]:
        """The lyrics, line by line."""
        return tuple(line.text for line in self.lines if line.in_lyrics)

    @property
    def style_text(self) -> str:
        """``bright pop, 108 bpm, female voice``: the genre, the tempo and the first singer."""
        singer = next(line.voice.singer for line in self.lines if line.in_lyrics)
        return f"{GENRES[self.genre].description}, {round(self.tempo_bpm)} bpm, {singer}"
