"""Laws of word times that a predictor is held against: trivial ones, with their nats and their times, and the law of world two itself.

All trivial laws tell three kinds of gap apart (before the song's first word, before a line's first, within a line), which the
lyrics show, and have the hurdle of no gap; so what is left to gain is what a law knows of words, tempo and time. Times of a law are
scaled by one factor so that, with a usual end behind the last word, they fill the song. W words of a song.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jam_model.durations.sheet import Sheet, Timing
from tasks.toy.world_two.composition import _Composer
from tasks.toy.world_two.features import Features, stream
from tasks.toy.world_two.rhythm import (
    DRAWN_SD,
    MAX_WORD_S,
    MIN_SYLLABLE_S,
    TYPICAL_S,
    caused_log_length,
    draw_lateness,
)
from tasks.toy.world_two.score import Score, SungLine

FIRST, LINE, WITHIN = 0, 1, 2
MOST_VALUES, LEAST_VALUES = 1500, 4
LATE_FOLLOWS = 0.7
"""World two's `_LATE_FOLLOWS`, `_MIN_GAP_S` and `_MIN_FAST_GAP_S` (tasks/toy/world_two/rhythm.py)."""
MIN_GAP_S, MIN_FAST_GAP_S = 0.02, 0.012
EDGE = 1e-6


@dataclass(frozen=True)
class Song:
    """A composed song: what a predictor is given, its truth, and the score that it came from."""

    sheet: Sheet
    timing: Timing
    texts: Sequence[str]
    score: Score

    def kinds(self) -> np.ndarray:
        """Which of the three kinds each word's gap is [W]."""
        kinds = np.full(self.sheet.num_words, WITHIN)
        kinds[list(self.sheet.line_starts or ())] = LINE
        kinds[0] = FIRST
        return kinds

    def units(self, unit: str) -> np.ndarray:
        """What lengths are counted in, for each word [W]: ``second``, ``beat`` or ``syllable``."""
        if unit == "beat":
            return np.full(self.sheet.num_words, 60 / (self.sheet.bpm or 60))
        return (
            np.array(self.sheet.syllables(), float) if unit == "syllable" else np.ones(self.sheet.num_words)
        )

    @property
    def tail_s(self) -> float:
        """What is left behind the last word."""
        return self.sheet.duration_s - float(self.timing.ends_s[-1])


@dataclass(frozen=True)
class Law:
    """A density of positive values in their logarithm: a Gaussian kernel at each of `logs`, or one Gaussian where there is one."""

    logs: np.ndarray
    sd: float

    def nats(self, values: np.ndarray) -> np.ndarray:
        """Minus log density a unit."""
        log_N = np.log(values)
        of_each = -0.5 * ((log_N[:, None] - self.logs) / self.sd) ** 2
        most = of_each.max(axis=1, keepdims=True)
        log_sum = most[:, 0] + np.log(np.exp(of_each - most).mean(axis=1))
        return np.asarray(0.5 * np.log(2 * np.pi) + np.log(self.sd) + log_N - log_sum)


def gaussian(values: np.ndarray) -> Law:
    """One log-normal."""
    logs = np.log(values)
    return Law(np.array([logs.mean()]), max(float(logs.std()), 0.05))


def kernels(values: np.ndarray) -> Law:
    """The values themselves, each with a kernel of Silverman's width."""
    logs = np.log(values)
    if len(logs) > MOST_VALUES:
        logs = np.quantile(logs, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)
    return Law(logs, max(1.06 * float(logs.std()) * len(logs) ** -0.2, 0.02))


class Trivial:
    """A trivial law, fitted on the truth of other songs.

    `unit`: what it counts lengths and gaps in; `own`: it is told the song's own lengths and gaps, and deals them anew.
    """

    def __init__(
        self, songs: Sequence[Song], slot_s: float, unit: str, smooth: bool, own: bool = False
    ) -> None:
        self.slot_s, self.unit, self.own, self.smooth = slot_s, unit, own, smooth
        lengths, gaps, kinds = [], [], []
        for song in songs:
            units = self.gap_units(song)
            lengths.append(song.timing.lengths_s / song.units(unit))
            gaps.append(np.where(song.timing.gaps_s < slot_s, 0.0, song.timing.gaps_s) / units)
            kinds.append(song.kinds())
        self.lengths = np.concatenate(lengths)
        all_gaps, all_kinds = np.concatenate(gaps), np.concatenate(kinds)
        self.gaps = [all_gaps[all_kinds == kind] for kind in (FIRST, LINE, WITHIN)]
        self.tail_s = float(np.median([song.tail_s for song in songs]))
        law = gaussian if smooth else kernels
        self.length_law = law(self.lengths)
        self.gap_laws = [law(of[of > 0]) for of in self.gaps]
        self.none = [(np.sum(of == 0) + 1) / (len(of) + 2) for of in self.gaps]

    def nats(self, song: Song) -> np.ndarray:
        """Of each word's gap and length [2, W]."""
        length_N = np.empty(song.sheet.num_words)
        gap_N = np.empty(song.sheet.num_words)
        if self.own:
            length_N[:] = self._left_out(song.timing.lengths_s, self.length_law)
        else:
            units = song.units(self.unit)
            length_N[:] = self.length_law.nats(song.timing.lengths_s / units) + np.log(units)
        units, kinds = self.gap_units(song), song.kinds()
        for kind in (FIRST, LINE, WITHIN):
            at = np.flatnonzero(kinds == kind)
            gaps_s = song.timing.gaps_s[at]
            some = gaps_s >= self.slot_s
            gap_N[at[~some]] = -np.log(self.none[kind])
            if not some.any():
                continue
            law = self.gap_laws[kind]
            if self.own:
                nats = self._left_out(gaps_s[some], law)
            else:
                nats = law.nats(gaps_s[some] / units[at[some]]) + np.log(units[at[some]])
            gap_N[at[some]] = nats - np.log1p(-self.none[kind])
        return np.stack([gap_N, length_N])

    def times(self, song: Song, random: np.random.Generator, fill: bool = True) -> Timing:
        """Its times, filling the song or as they are: the middle of each law, or draws where it has no middle to speak of."""
        count, kinds = song.sheet.num_words, song.kinds()
        if self.own:
            inner = kinds != FIRST
            gaps_s = song.timing.gaps_s.copy()
            gaps_s[inner] = random.permutation(gaps_s[inner])
            return Timing(gaps_s, random.permutation(song.timing.lengths_s))
        pick = (lambda of, size: np.full(size, np.median(of))) if self.smooth else random.choice
        lengths_s = np.asarray(pick(self.lengths, count)) * song.units(self.unit)
        gaps_s = np.empty(count)
        for kind in (FIRST, LINE, WITHIN):
            at = kinds == kind
            gaps_s[at] = pick(self.gaps[kind], int(at.sum()))
        gaps_s *= self.gap_units(song)
        scale = song.sheet.duration_s / (gaps_s.sum() + lengths_s.sum() + self.tail_s)
        scale = scale if fill else 1.0
        return Timing(scale * gaps_s, scale * lengths_s)

    def gap_units(self, song: Song) -> np.ndarray:
        """What gaps are counted in, for each word [W]."""
        return song.units("beat" if self.unit == "beat" else "second")

    @staticmethod
    def _left_out(values: np.ndarray, instead: Law) -> np.ndarray:
        """Each value by the kernels of the song's others; by `instead` where these are few."""
        if len(values) <= LEAST_VALUES:
            return instead.nats(values)
        return np.array(
            [
                kernels(np.delete(values, place)).nats(values[place : place + 1])[0]
                for place in range(len(values))
            ]
        )


def trivial_laws(songs: Sequence[Song], slot_s: float) -> dict[str, Trivial]:
    """The four, fitted on these songs."""
    return {
        "constant": Trivial(songs, slot_s, "beat", smooth=True),
        "per syllable": Trivial(songs, slot_s, "syllable", smooth=True),
        "marginal": Trivial(songs, slot_s, "second", smooth=False),
        "shuffled": Trivial(songs, slot_s, "second", smooth=False, own=True),
    }


def oracle_nats(song: Song, features: Features) -> np.ndarray:
    """The world's own law of each word's gap and length [2, W], from what the lyrics and the past say and the causes that only it
    knows; NaN where it says nothing that can be compared.

    Lengths: log-normal about their causes, in lines that are not fast, of words that no bound cut, the first time a line comes.
    Gaps: within lines, the steps of the grid and a lateness that follows the one before; not of words whose lateness was cut.
    """
    nats_2W = np.full((2, song.sheet.num_words), np.nan)
    composer = _Composer(song.score.seed, features, stream(song.score.seed, "form", 0), None)
    first, seen = 0, set()
    for line in (line for line in song.score.lines if line.in_lyrics):
        end = first + len(line.words)
        if line.text not in seen and not line.fast:
            nats_2W[1, first:end] = _length_nats(line)
        seen.add(line.text)
        nats_2W[0, first + 1 : end] = _gap_nats(line, composer)
        first = end
    return nats_2W


def _length_nats(line: SungLine) -> list[float]:
    found = []
    for place, word in enumerate(line.words):
        lexeme = word.lexeme
        mean = np.log(TYPICAL_S) + caused_log_length(lexeme, place == len(line.words) - 1)
        cut = (
            word.length_s <= MIN_SYLLABLE_S * len(lexeme.syllables) + EDGE
            or word.length_s >= MAX_WORD_S - EDGE
        )
        z = (np.log(word.length_s) - mean) / DRAWN_SD
        found.append(
            np.nan if cut else 0.5 * z**2 + np.log(DRAWN_SD * word.length_s) + 0.5 * np.log(2 * np.pi)
        )
    return found


def _gap_nats(line: SungLine, composer: _Composer) -> list[float]:
    """Of the words of a line but its first."""
    clock, sd_s = composer.clock, composer.late_sd_s
    fine = clock.fine_step
    step = fine / 2 if line.fast else fine if line.syncopated else min(2 * fine, 0.5)
    late_s = draw_lateness(stream(composer.seed, "lateness", line.number), len(line.words), sd_s)
    spread_s = sd_s * np.sqrt(1 - LATE_FOLLOWS**2)
    found = []
    for place in range(1, len(line.words)):
        before, word = line.words[place - 1], line.words[place]
        late_before_s = late_s[place - 1]
        if place == 1 and line.number == 0 and before.start_s <= 2 * sd_s + EDGE:
            late_before_s = abs(late_before_s)  # a song's very first word is never early
        position = _position(composer, before.start_s - late_before_s)
        free_s = before.end_s + (MIN_FAST_GAP_S if line.fast else MIN_GAP_S)
        density = 0.0
        for number in range(1, 200):
            at_s = clock.time_s(position + number * step)
            late = word.start_s - at_s
            if late < -1:
                break
            if clock.time_s(position + (number - 1) * step) + late >= free_s:
                continue  # so late, it would have begun a step before
            z = (late - LATE_FOLLOWS * late_s[place - 1]) / spread_s
            density += float(np.exp(-0.5 * z**2) / (spread_s * np.sqrt(2 * np.pi)))
        cut = abs(late_s[place]) >= 2 * sd_s - EDGE
        found.append(np.nan if cut or density == 0 else -np.log(density))
    return found


def _position(composer: _Composer, time_s: float) -> float:
    """Where on the clock a time is, in beats: the inverse of `Clock.time_s`."""
    clock = composer.clock
    beat, inside = divmod(time_s / clock.beat_s, 1.0)
    half = (
        0.5 * inside / clock.swing
        if inside < clock.swing
        else 0.5 + 0.5 * (inside - clock.swing) / (1 - clock.swing)
    )
    return float(beat + half)
