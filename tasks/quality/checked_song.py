"""A song as its quality measures need it (`CheckedSong`): phones, words laid and heard, times, vocals and mix; settings `check`.

Words timed by an aligner always look tidy, whoever the singer is. So they are held against a recogniser that has
never seen the lyrics: what is written must be heard, and what is heard must be written.

Shape suffixes: C channels, N samples, T frames of 10 ms, W words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from eval.metrics.error_rates import ErrorCounts, count_errors, normalise
from jam_model.words import Word, input_times_of, words_of
from tasks.audio.levels import frame_power
from tasks.engine.stage import Section
from tasks.models.aligner import NEAREST
from tasks.models.phonemizer import phones_of
from tasks.quality.heard_marks import heard_marks
from tasks.quality.unheard import UnheardRun, unheard_runs


class CheckParams(Section):
    """`plausible_score`: a word's least score that counts as found. `min_phone_s`: a word with less time a
    phone is hurried. `silence_db`: a frame of the mix below it is silent, re full scale.
    """

    plausible_score: float
    min_phone_s: float
    silence_db: float


@dataclass(frozen=True)
class CheckedSong:
    """A song's columns, and its mix [2, N] and vocals [N] at 44.1 kHz. Nothing is worked out before it is asked for."""

    columns: Mapping[str, Any]
    mix_CN: np.ndarray
    vocals_N: np.ndarray
    params: CheckParams

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]

    @cached_property
    def words(self) -> Sequence[Word]:
        """The words with the times they are kept with."""
        return words_of(self["words"])

    @cached_property
    def laid(self) -> Sequence[Word]:
        """The words where the aligner places them."""
        return [word if found is None else found for word, found in self._words_with_placed]

    @property
    def _words_with_placed(self) -> Sequence[tuple[Word, Word | None]]:
        """The words, each with where the aligner places it if its time is a given one."""
        if self["aligned_words"] is None:
            return [(word, None) for word in self.words]
        return list(zip(self.words, input_times_of(self["aligned_words"]), strict=True))

    @property
    def phones_W(self) -> list[list[str]]:
        """The phones of each word."""
        return [phones_of(word.phonemes or "") for word in self.words]

    @property
    def sung_s(self) -> float:
        """Seconds from the first word to the end of the last, at least 1."""
        return max(self.words[-1].end_s - self.words[0].start_s, 1.0)

    @property
    def vocals_db(self) -> float | None:
        """Power of the vocals over the mix; None where either is silent."""
        mix_power, vocals_power = _power(self.mix_CN.mean(axis=0)), _power(self.vocals_N)
        return 10 * math.log10(vocals_power / mix_power) if mix_power > 0 and vocals_power > 0 else None

    @property
    def hurried_W(self) -> np.ndarray:
        """Whether a word's own time, or the time it is laid in, is too short for its phones; a word of a run that was
        not heard is laid where there is no room, and that is the run's fault.
        """
        least_W = self.params.min_phone_s * np.array([len(phones) for phones in self.phones_W])
        hurried_W = np.minimum(lengths_s(self.words), lengths_s(self.laid)) < least_W
        for run in self.unheard or ():
            hurried_W[run.first : run.end] = False
        return hurried_W

    @property
    def outside_share(self) -> float | None:
        """The share of the vocals' energy that no word covers; None for silence."""
        power_T = frame_power(self.vocals_N)
        outside_T = np.ones(len(power_T), bool)
        for word in self.laid:
            outside_T[round(word.start_s * 100) : round(word.end_s * 100)] = False
        total = float(power_T.sum())
        return float(power_T[outside_T].sum()) / total if total > 0 else None

    @cached_property
    def errors(self) -> ErrorCounts | None:
        """What was heard against what is written: phones where the recogniser gives some, else words.

        None where nobody listened, or where the words are what was heard.
        """
        if self["transcript"] is None:
            return None
        if self["transcript_phones"]:
            written = [nearest(phone) for phones in self.phones_W for phone in phones]
            return count_errors(written, [nearest(phone) for phone in self["transcript_phones"]])
        if self["lyrics"] is None:
            return None
        return count_errors(normalise(self["lyrics"]), normalise(self["transcript"]))

    @property
    def unheard(self) -> list[UnheardRun] | None:
        """Runs of written words that were not heard; None where `missed_W` is."""
        return None if self.missed_W is None else unheard_runs(self.missed_W)

    @cached_property
    def missed_W(self) -> np.ndarray | None:
        """The share of each word that was not heard, 0.5 where it has nothing to hear: by phones where the recogniser
        gives some, else by the letters of what it wrote, since a word sung is often written as another that sounds like
        it. None as for `errors`, where the words are what was heard, and for songs too long to compare.
        """
        if self["transcript"] is None or self["lyrics"] is None:
            return None
        if self["transcript_phones"]:
            tokens_W = [[nearest(phone) for phone in phones] for phones in self.phones_W]
            heard = [nearest(phone) for phone in self["transcript_phones"]]
        else:
            tokens_W = [list("".join(normalise([word.text]))) for word in self.words]
            heard = list("".join(normalise(self["transcript"])))
        marks = heard_marks([token for tokens in tokens_W for token in tokens], heard)
        if marks is None:
            return None
        left = iter(marks)
        marks_W = [[next(left) for _ in tokens] for tokens in tokens_W]
        return np.array([1 - np.mean(of_word) if of_word else 0.5 for of_word in marks_W])

    @cached_property
    def late(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Given starts minus laid ones and the laid ones, both [W] in seconds; words that could not be said are left out.

        None where no times were kept, or none can be checked.
        """
        starts_s = [
            (given.start_s, word.start_s) for given, word in self._words_with_placed if word and word.score
        ]
        if not starts_s:
            return None
        given_W, laid_W = np.array(starts_s).T
        return given_W - laid_W, laid_W

    @property
    def times_offset_s(self) -> float | None:
        """The median of how late the given times are."""
        return None if self.late is None else float(np.median(self.late[0]))

    @property
    def times_drift(self) -> float | None:
        """The median slope over pairs of words half a song apart; None where no two are apart."""
        if self.late is None:
            return None
        late_W, laid_W = self.late
        half = len(laid_W) // 2
        steps_s = laid_W[half:] - laid_W[: len(laid_W) - half]
        slopes = (late_W[half:] - late_W[: len(late_W) - half])[steps_s > 0] / steps_s[steps_s > 0]
        return float(np.median(slopes)) if len(slopes) else None

    @property
    def times_spread_s(self) -> float | None:
        """The median distance from the median."""
        return None if self.late is None else float(np.median(np.abs(self.late[0] - self.times_offset_s)))


def lengths_s(words: Sequence[Word]) -> np.ndarray:
    """How long each word lasts, [W]."""
    return np.array([word.end_s - word.start_s for word in words])


def nearest(phone: str) -> str:
    """The phone that stands for this one and those like it: no recogniser tells all of them apart."""
    while phone in NEAREST:
        phone = NEAREST[phone]
    return phone


def _power(audio_N: np.ndarray) -> float:
    return float(np.square(audio_N, dtype=np.float64).mean())
