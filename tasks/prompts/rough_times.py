"""Rough word times for lyrics that have none: lines to bars, syllables to even notes, rests between.

A start to edit, not a melody: every line begins on a bar of four beats, its syllables last one note each, the last one
two, and the rest of its bars is silent. Notes are beats halved or doubled until a syllable is singable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from jam_model.words import Word
from tasks.engine.stage import Section
from tasks.lyrics.lyrics import Lyrics
from tasks.models.phonemizer import Phonemizer, phones_of

BEATS_A_BAR = 4
MIN_BPM, MAX_BPM = 30.0, 300.0
SYLLABLE_S = 0.35
"""A sung syllable, where a line leaves more time than its words need."""
VOWELS = frozenset("aæɐɑɔəɛɝeiɪoʊuʌɜ")


class RoughTimesParams(Section):
    """Bars of silence before, between sections and after; beats kept free after a line; shortest syllable."""

    intro_bars: int = Field(ge=0)
    section_bars: int = Field(ge=0)
    outro_bars: int = Field(ge=0)
    rest_beats: float = Field(ge=0)
    min_syllable_s: float = Field(gt=0)


@dataclass(frozen=True)
class RoughTimes:
    """Words with times, and the length of the song they make."""

    words: list[Word]
    duration_s: float

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """jamify's lyrics form."""
        return {"word": [word.rounded(3).to_json() for word in self.words]}


def rough_times(lyrics: Lyrics, bpm: float, phonemizer: Phonemizer, params: RoughTimesParams) -> RoughTimes:
    """Times for lyrics without any, a line a line of song; an empty line or a label begins a new section.

    Raises:
        ValueError: the tempo is out of range.
    """
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise ValueError(f"bpm: {bpm:g} is out of range; give {MIN_BPM:g} to {MAX_BPM:g}")
    beat_s = 60.0 / bpm
    note_beats = 2.0 ** math.ceil(math.log2(params.min_syllable_s / beat_s))
    words: list[Word] = []
    bar = params.intro_bars
    for sung in lyrics.line_words():
        bar += params.section_bars if len(words) in lyrics.breaks else 0
        notes = notes_of(sung, phonemizer)
        beat = float(bar * BEATS_A_BAR)
        for word, count in zip(sung, notes, strict=True):
            end = beat + count * note_beats
            words.append(Word(word, beat * beat_s, end * beat_s))
            beat = end
        bar = math.ceil((beat + params.rest_beats) / BEATS_A_BAR)
    return RoughTimes(words, (bar + params.outro_bars) * BEATS_A_BAR * beat_s)


def times_within_lines(lyrics: Lyrics, duration_s: float | None, phonemizer: Phonemizer) -> list[Word]:
    """Times for lyrics whose lines alone are timed: syllables of one length, at most `SYLLABLE_S`, from the line's start."""
    words: list[Word] = []
    for line in lyrics.within(duration_s).lines or ():
        sung = line.text.split(" ")
        notes = notes_of(sung, phonemizer)
        note_s = min(SYLLABLE_S, (line.end_s - line.start_s) / sum(notes))
        at_s = line.start_s
        for word, count in zip(sung, notes, strict=True):
            words.append(Word(word, at_s, at_s + count * note_s))
            at_s = words[-1].end_s
    return words


def notes_of(line: Sequence[str], phonemizer: Phonemizer) -> list[int]:
    """Notes of each word: one a syllable (at least one), the line's last syllable held for two."""
    syllables = [max(1, num_syllables(said.phonemes)) for said in phonemizer.phonemize(line)]
    return [*syllables[:-1], syllables[-1] + 1]


def num_syllables(phonemes: str) -> int:
    """Vowels, a diphthong counted once."""
    return sum(phone[0] in VOWELS for phone in phones_of(phonemes))
