"""How long words are and when they begin (a clock): log lengths with causes, beats with swing, lateness and gaps that no grid rounds.

A word's length is drawn first, in seconds; then its start is the first step of the line's grid, in beats, at which the
word before has ended and a gap has passed, moved by what the singer is early or late. So starts lie on a grid but for
that, lengths lie on none, and the gaps between words are what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.toy.languages.language import Lexeme

TYPICAL_S = 0.25
OF_LOG_SYLLABLES, OF_STRESS, OF_LONG, OF_LAST = 0.55, 0.25, 0.15, 0.45
"""What each cause adds to the log of a length: log syllables, a stressed one, a long one, the last word of a line."""

DRAWN_SD = 0.22
"""Of the drawn part of a log length, fast lines apart."""

ALL_DRAWN_S, ALL_DRAWN_SD = 0.42, 0.45  # without causes
MIN_SYLLABLE_S, MIN_FAST_S, MAX_WORD_S = 0.1, 0.06, 2.5
FAST_PER_S = (6.0, 8.0)
"""Syllables a second of a fast line, gaps included."""

_MIN_GAP_S, _MIN_FAST_GAP_S = 0.02, 0.012
_MIN_STEP_S = 0.1
_LATE_SD_S = (0.03, 0.06)
_LATE_FOLLOWS = 0.7  # how much of a word's earliness the next one in the line keeps


@dataclass(frozen=True)
class Clock:
    """Beats to seconds. Positions count beats from the start of the song."""

    tempo_bpm: float
    beats_per_bar: int
    swing: float  # where in a beat its second half begins, 0.5 is straight

    @property
    def beat_s(self) -> float:
        """A beat."""
        return 60 / self.tempo_bpm

    def time_s(self, position: float) -> float:
        """When a position is, with the second halves of beats late as the swing has them."""
        beat, inside = divmod(position, 1.0)
        if inside < 0.5:
            inside *= 2 * self.swing
        else:
            inside = self.swing + (inside - 0.5) * 2 * (1 - self.swing)
        return (beat + inside) * self.beat_s

    @property
    def fine_step(self) -> float:
        """The shortest of an eighth, a quarter and half a beat that takes at least 0.1 s."""
        return next(step for step in (0.125, 0.25, 0.5, 1.0) if step * self.beat_s >= _MIN_STEP_S)


def caused_log_length(word: Lexeme, last: bool) -> float:
    """What of a word's log length its causes say, up to a constant."""
    return (
        OF_LOG_SYLLABLES * float(np.log(len(word.syllables)))
        + OF_STRESS * word.stressed
        + OF_LONG * word.long
        + OF_LAST * last
    )


def draw_lengths(rng: np.random.Generator, words: Sequence[Lexeme], causes: bool, fast: bool) -> list[float]:
    """The length of every word of a line in seconds; a fast line's are scaled to its rate."""
    drawn = rng.normal(size=len(words))
    rate = rng.uniform(*FAST_PER_S)
    lengths_s = [
        TYPICAL_S * np.exp(caused_log_length(word, place == len(words) - 1) + DRAWN_SD * noise)
        if causes
        else ALL_DRAWN_S * np.exp(ALL_DRAWN_SD * noise)
        for place, (word, noise) in enumerate(zip(words, drawn, strict=True))
    ]
    if fast:
        syllables = sum(len(word.syllables) for word in words)
        scale = (syllables / rate - 0.04 * len(words)) / sum(lengths_s)  # less what the gaps take
        return [max(float(length_s * scale), MIN_FAST_S) for length_s in lengths_s]
    return [
        float(np.clip(length_s, MIN_SYLLABLE_S * len(word.syllables), MAX_WORD_S))
        for word, length_s in zip(words, lengths_s, strict=True)
    ]


def draw_lateness_sd(rng: np.random.Generator) -> float:
    """How exact the singers of a song are: the spread of how late a word is, 30 to 60 ms."""
    return float(rng.uniform(*_LATE_SD_S))


def draw_lateness(rng: np.random.Generator, num_words: int, sd_s: float) -> list[float]:
    """How late each word of a line is, in seconds; neighbours are alike."""
    late = [float(rng.normal())]
    for _ in range(num_words - 1):
        late.append(_LATE_FOLLOWS * late[-1] + float(np.sqrt(1 - _LATE_FOLLOWS**2) * rng.normal()))
    return [sd_s * float(np.clip(z, -2, 2)) for z in late]


def place_words(
    clock: Clock, first: float, lengths_s: Sequence[float], late_s: Sequence[float], step: float, fast: bool
) -> list[float]:
    """Starts in seconds of a line's words, the first at position `first`; none begins before the last one's gap is over."""
    gap_s = _MIN_FAST_GAP_S if fast else _MIN_GAP_S
    position, free_s = first, 0.0
    starts_s = []
    for length_s, late in zip(lengths_s, late_s, strict=True):
        while clock.time_s(position) + late < free_s:
            position += step
        start_s = clock.time_s(position) + late
        starts_s.append(start_s)
        free_s = start_s + length_s + gap_s
    return starts_s
