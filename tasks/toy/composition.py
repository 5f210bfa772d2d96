"""Composes toy songs of world one: a genre, lyrics from a small grammar (pronouns, nouns, verbs), notes, chords and beats, all from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ as SAMPLE_RATE_HZ

MIN_DURATION_S, MAX_DURATION_S = 6.0, 12.0
BEATS_PER_BAR = 4


@dataclass(frozen=True)
class Genre:
    """How a kind of song sounds. MIDI note numbers bound the melody; `mono_band` takes all stereo width away."""

    name: str
    description: str
    singer: str
    voice: str  # one of the espeak variants whose samples are the same in every process
    bpm: float
    low_midi: int
    high_midi: int
    chord_harmonics: int
    chord_strikes_per_bar: int
    drum_level: float
    mono_band: bool = False


GENRES: dict[str, Genre] = {
    genre.name: genre
    for genre in (
        Genre("ballad", "soft ballad", "female voice", "en-us+f4", 84, 57, 67, 3, 1, 0.35),
        Genre("pop", "bright pop", "female voice", "en-us+f1", 108, 57, 66, 8, 4, 0.8),
        Genre("rock", "loud rock", "male voice", "en-us+m3", 126, 46, 57, 20, 8, 1.0),
        Genre("folk", "plain folk", "male voice", "en-us", 96, 45, 55, 5, 2, 0.25),
        Genre(
            "mono-blues", "old mono blues", "male voice", "en-us+m7", 92, 46, 56, 12, 4, 0.6, mono_band=True
        ),
    )
}

_SYLLABLED: dict[str, tuple[str, ...]] = {  # a hyphen at every syllable break
    "pronoun": ("I", "you", "we", "they"),
    "modal": ("will", "nev-er", "can"),
    "verb": ("find", "love", "fol-low", "re-mem-ber", "car-ry", "sing", "know", "hear", "leave", "hold"),
    "owner": ("the", "my", "your", "ev-ery"),
    "adjective": ("sil-ver", "gold-en", "bro-ken", "qui-et", "burn-ing", "lone-ly", "o-pen", "wild"),
    "noun": (
        *("riv-er", "morn-ing", "win-dow", "fi-re", "heart", "sum-mer"),
        *("shad-ow", "cit-y", "o-cean", "gar-den", "star", "dream"),
    ),
    "place": ("in", "un-der", "o-ver", "be-yond", "near"),
    "time": ("to-night", "a-gain", "slow-ly", "for-ev-er", "a-way", "to-geth-er"),
    "link": ("and", "when", "un-til"),
}
_WORDS = {kind: tuple(word.replace("-", "") for word in words) for kind, words in _SYLLABLED.items()}
_SYLLABLES = {word.replace("-", ""): word.count("-") + 1 for words in _SYLLABLED.values() for word in words}
VOCABULARY: tuple[str, ...] = tuple(sorted(_SYLLABLES))

_LINES: tuple[tuple[str, ...], ...] = (
    ("pronoun", "modal", "verb", "owner", "adjective", "noun"),
    ("pronoun", "verb", "owner", "noun", "place", "owner", "noun"),
    ("link", "pronoun", "verb", "owner", "noun", "time"),
    ("owner", "adjective", "noun", "modal", "verb", "pronoun"),
    ("pronoun", "modal", "verb", "pronoun", "time"),
    ("place", "owner", "noun", "pronoun", "adjective", "noun"),
    ("time", "pronoun", "verb", "owner", "adjective", "noun"),
)
_NOTE_BEATS = (0.5, 0.75, 1.0, 1.0, 1.5)  # drawn for every word alike: a slot does not tell its word
_MIN_SYLLABLE_S = 0.2
_PENTATONIC = (0, 2, 4, 7, 9)
_PROGRESSIONS = ((0, 5, 7, 0), (0, 9, 5, 7), (9, 5, 0, 7))  # semitones above the key; 9 is a minor chord
_MINOR_DEGREE = 9
_PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_BPM_SPREAD = 0.04
_VOCALS_OVER_BAND_DB = (4.0, 6.0)


@dataclass(frozen=True)
class Note:
    """One word on one pitch; its word sounds for at most `duration_s`."""

    word: str
    start_s: float
    duration_s: float
    midi: int


@dataclass(frozen=True)
class Chord:
    """A triad for one bar; `root` is a pitch class, 0 = C."""

    root: int
    minor: bool
    start_s: float
    end_s: float

    @property
    def name(self) -> str:
        """``A:min``, ``C:maj``."""
        return f"{_PITCH_CLASSES[self.root]}:{'min' if self.minor else 'maj'}"


@dataclass(frozen=True)
class Score:
    """A song on paper. `lines` holds the first and one-past-last note of every sung line."""

    seed: int
    genre: str
    voice: str
    bpm: float
    key: int
    num_samples: int
    vocals_over_band_db: float
    notes: tuple[Note, ...]
    lines: tuple[tuple[int, int], ...]
    chords: tuple[Chord, ...]
    beats_s: tuple[float, ...]
    title: tuple[str, str]

    @property
    def duration_s(self) -> float:
        """Length of the song."""
        return self.num_samples / SAMPLE_RATE_HZ

    @property
    def words(self) -> tuple[str, ...]:
        """The lyrics, one word a note."""
        return tuple(note.word for note in self.notes)

    @property
    def text_lines(self) -> tuple[str, ...]:
        """The lyrics as lines of text."""
        return tuple(" ".join(self.words[first:last]) for first, last in self.lines)

    @property
    def style_text(self) -> str:
        """``bright pop, 108 bpm, female voice``."""
        genre = GENRES[self.genre]
        return f"{genre.description}, {round(self.bpm)} bpm, {genre.singer}"


def song_seed(seed: int, index: int) -> int:
    """The seed of song `index` of a set, 53 bits: sets with different seeds share no song."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0] >> np.uint64(11))


def compose(seed: int, uniform: bool = False) -> Score:
    """The song of this seed: 2 to 4 whole lines, 6 to 12 s, about 10 to 25 words.

    uniform: draw every word uniformly from the vocabulary instead of from the grammar.
    """
    rng = np.random.default_rng(seed)
    genre = GENRES[list(GENRES)[rng.integers(len(GENRES))]]
    bpm = genre.bpm * rng.uniform(1 - _BPM_SPREAD, 1 + _BPM_SPREAD)
    key = int(rng.integers(12))
    duration_s = 0.0
    while not MIN_DURATION_S <= duration_s <= MAX_DURATION_S:
        notes, lines = _melody(rng, genre, 60 / bpm, key, uniform)
        duration_s = notes[-1].start_s + notes[-1].duration_s + 60 / bpm * rng.choice((0.5, 1, 2))
    sung = [note.word for note in notes]
    num_samples = int(duration_s * SAMPLE_RATE_HZ)
    beats_s = tuple(float(beat) for beat in np.arange(0, num_samples / SAMPLE_RATE_HZ, 60 / bpm))
    return Score(
        seed=seed,
        genre=genre.name,
        voice=genre.voice,
        bpm=float(bpm),
        key=key,
        num_samples=num_samples,
        vocals_over_band_db=float(rng.uniform(*_VOCALS_OVER_BAND_DB)),
        notes=tuple(notes),
        lines=tuple(lines),
        chords=_chords(rng, key, beats_s, num_samples / SAMPLE_RATE_HZ),
        beats_s=beats_s,
        title=(
            _first_of("adjective", sung) or _pick(rng, _WORDS["adjective"]),
            _first_of("noun", sung) or "song",
        ),
    )


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[rng.integers(len(words))]


def _first_of(kind: str, words: list[str]) -> str | None:
    return next((word for word in words if word in _WORDS[kind]), None)


def _line(rng: np.random.Generator, uniform: bool) -> list[str]:
    if uniform:
        return [_pick(rng, VOCABULARY) for _ in range(rng.integers(4, 8))]
    return [_pick(rng, _WORDS[kind]) for kind in _LINES[rng.integers(len(_LINES))]]


def _melody(
    rng: np.random.Generator, genre: Genre, beat_s: float, key: int, uniform: bool
) -> tuple[list[Note], list[tuple[int, int]]]:
    """Notes and lines: a random walk over the genre's range of the key's pentatonic scale."""
    scale = [midi for midi in range(genre.low_midi, genre.high_midi + 1) if (midi - key) % 12 in _PENTATONIC]
    step = len(scale) // 2
    time_s = float(beat_s * rng.integers(3))
    notes: list[Note] = []
    lines = []
    for _ in range(rng.integers(2, 5)):
        first = len(notes)
        for word in _line(rng, uniform):
            beats = _NOTE_BEATS[rng.integers(len(_NOTE_BEATS))]
            duration_s = float(max(beat_s * beats, _MIN_SYLLABLE_S * _SYLLABLES[word]))
            step = int(np.clip(step + rng.integers(-2, 3), 0, len(scale) - 1))
            notes.append(Note(word, time_s, duration_s, scale[step]))
            time_s += duration_s
        lines.append((first, len(notes)))
        time_s += float(beat_s * rng.choice((0.5, 1, 1)))
    return notes, lines


def _chords(
    rng: np.random.Generator, key: int, beats_s: tuple[float, ...], duration_s: float
) -> tuple[Chord, ...]:
    degrees = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    starts_s = beats_s[::BEATS_PER_BAR]
    bounds_s = (*starts_s, duration_s)
    return tuple(
        Chord((key + degrees[bar % 4]) % 12, degrees[bar % 4] == _MINOR_DEGREE, start_s, bounds_s[bar + 1])
        for bar, start_s in enumerate(starts_s)
    )
