"""Rough word times for lyrics that have none (`RoughTimesParams`): lines to bars of beats, syllables to even notes, rests and pauses between.

A start to edit, not a melody: every line begins on a bar of four beats, its syllables last one note each, the last one
two, and the rest of its bars is silent. Notes are beats halved or doubled until a syllable is singable. Where a length is
given in place of a tempo, the tempo is the one that fills it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from pydantic import Field

from jam_model.words import Word
from tasks.engine.stage import Section
from tasks.lyrics.lyrics import Label, Lyrics
from tasks.lyrics.parts.json_labels import PART_LABELS
from tasks.models.phonemizer import Phonemizer, phones_of

BEATS_A_BAR = 4
NOTE_BEATS = 0.5
"""A syllable's note where no tempo is given: an eighth."""
MIN_BPM, MAX_BPM = 30.0, 300.0
SYLLABLE_S = 0.35
"""A sung syllable, where a line leaves more time than its words need."""
VOWELS = frozenset("aæɐɑɔəɛɝeiɪoʊuʌɜ")
RUN = 8
"""Words in a row whose rate is looked at: a short word alone is no hurry."""


class RoughTimesParams(Section):
    """Bars of silence before, between sections and after; beats kept free after a line; shortest syllable.

    `max_syllables_per_s`: words that come faster are told of, whoever timed them.
    """

    intro_bars: int = Field(ge=0)
    section_bars: int = Field(ge=0)
    outro_bars: int = Field(ge=0)
    rest_beats: float = Field(ge=0)
    min_syllable_s: float = Field(gt=0)
    max_syllables_per_s: float = Field(gt=0)

    @property
    def without_pauses(self) -> RoughTimesParams:
        """The same with no silence but what is left of a bar."""
        none = {"intro_bars": 0, "section_bars": 0, "outro_bars": 0, "rest_beats": 0.0}
        return self.model_copy(update=none)


@dataclass(frozen=True)
class RoughTimes:
    """Words with times, the length of the song they make, and the number of each line's first word; the language that they are
    in, where songs have several; the phones in time of each word, where somebody knows them; the labels of parts.
    """

    words: list[Word]
    duration_s: float
    line_starts: Sequence[int] = (0,)
    language: str | None = None
    phones: Sequence[Sequence[Word]] | None = None
    labels: Sequence[Label] = ()

    def at(self, beat_s: float) -> RoughTimes:
        """The same where times are beats of this length."""
        words = [
            replace(word, start_s=word.start_s * beat_s, end_s=word.end_s * beat_s) for word in self.words
        ]
        return RoughTimes(words, self.duration_s * beat_s, self.line_starts)

    def to_json(self) -> dict[str, Any]:
        """jamify's lyrics form, with each word's line, from 1, its phones, and the labels by the number of the word behind them."""
        return {
            **({"language": self.language} if self.language else {}),
            "word": [
                {
                    **word.rounded(3).to_json(),
                    "line": bisect_right(self.line_starts, number),
                    **({"phones": list(map(_phone_entry, self.phones[number]))} if self.phones else {}),
                }
                for number, word in enumerate(self.words)
            ],
            **(
                {PART_LABELS: [{"before": one.before, "text": one.text} for one in self.labels]}
                if self.labels
                else {}
            ),
        }


def _phone_entry(phone: Word) -> dict[str, Any]:
    return {"phone": phone.text, "start": round(phone.start_s, 4), "end": round(phone.end_s, 4)}


def rough_times(lyrics: Lyrics, bpm: float, phonemizer: Phonemizer, params: RoughTimesParams) -> RoughTimes:
    """Times for lyrics without any, a line a line of song; an empty line or a label begins a new section.

    Raises:
        ValueError: the tempo is out of range.
    """
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise ValueError(f"bpm: {bpm:g} is out of range; give {MIN_BPM:g} to {MAX_BPM:g}")
    beat_s = 60.0 / bpm
    note_beats = 2.0 ** math.ceil(math.log2(params.min_syllable_s / beat_s))
    return _laid_out(lyrics, note_beats, phonemizer, params).at(beat_s)


def fitted_times(
    lyrics: Lyrics, duration_s: float, phonemizer: Phonemizer, params: RoughTimesParams
) -> RoughTimes:
    """Times for lyrics without any in a song of this length: its bars fill it, but no syllable lasts more than twice the shortest.

    Pauses go first where they leave a syllable too little time, then bars, and then every note is as long as there is room for.
    """
    for pauses in (params, params.without_pauses):
        laid = _laid_out(lyrics, NOTE_BEATS, phonemizer, pauses)
        beat_s = min(duration_s / laid.duration_s, 2 * params.min_syllable_s / NOTE_BEATS)
        if beat_s * NOTE_BEATS >= params.min_syllable_s:
            return replace(laid.at(beat_s), duration_s=duration_s)
    notes = [count for sung in lyrics.line_words() for count in notes_of(sung, phonemizer)]
    note_s = min(params.min_syllable_s, duration_s / sum(notes))
    ends_s = [note_s * upto for upto in accumulate(notes)]
    spans = zip(lyrics.words, [0.0, *ends_s], ends_s, strict=False)
    words = [Word(word, start_s, end_s).within(duration_s) for word, start_s, end_s in spans]
    return RoughTimes(words, duration_s, lyrics.line_starts or (0,))


def _laid_out(
    lyrics: Lyrics, note_beats: float, phonemizer: Phonemizer, params: RoughTimesParams
) -> RoughTimes:
    """Lines on bars, with beats for seconds."""
    words: list[Word] = []
    bar = params.intro_bars
    for sung in lyrics.line_words():
        bar += params.section_bars if len(words) in lyrics.breaks else 0
        beat = float(bar * BEATS_A_BAR)
        for word, count in zip(sung, notes_of(sung, phonemizer), strict=True):
            words.append(Word(word, beat, beat + count * note_beats))
            beat = words[-1].end_s
        bar = math.ceil((beat + params.rest_beats) / BEATS_A_BAR)
    beats = float((bar + params.outro_bars) * BEATS_A_BAR)
    return RoughTimes(words, beats, lyrics.line_starts or (0,))


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


def syllable_rates(words: Sequence[Word]) -> list[float]:
    """Syllables a second of the fastest run of up to `RUN` words that each word stands in, rests within the run included."""
    syllables = [max(1, num_syllables(word.phonemes or "")) for word in words]
    run, fastest = min(RUN, len(words)), [0.0] * len(words)
    for first in range(len(words) - run + 1 if words else 0):
        lasts_s = max(word.end_s for word in words[first : first + run]) - words[first].start_s
        rate = sum(syllables[first : first + run]) / max(lasts_s, 1e-9)
        for number in range(first, first + run):
            fastest[number] = max(fastest[number], rate)
    return fastest


def num_syllables(phonemes: str) -> int:
    """Vowels, a diphthong counted once."""
    return sum(phone[0] in VOWELS for phone in phones_of(phonemes))
