"""Word times that no singer chose: laid from the true starts of lines by rules that know little or nothing of the words.

The rules are those of `tasks.times.trivial_times`, fitted on the truth of other songs (`Usual`). All but `random` and `rough` keep the true start of every line, as an
.lrc states them; a line that would run into the next is pressed into its place. W words of a song.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from jam_model.words import Word
from tasks.lyrics.lyrics import Lyrics
from tasks.models.phonemizer import Phonemizer
from tasks.prompts.rough_times import RoughTimesParams, fitted_times
from tasks.times.trivial_times import Lengths, bounds, dealt, lengths_of, stepped
from tasks.times.trivial_times import Usual as WordsUsual
from tasks.times.trivial_times import drawn as any_words
from tasks.toy.world_two.truth import Truth

LEAST_GAP_S = 0.02


@dataclass(frozen=True)
class Line:
    """A line of the lyrics: its words with their true times and syllables, and when it must be over."""

    words: tuple[Word, ...]
    syllables: tuple[int, ...]
    limit_s: float

    def laid(self, lengths: Lengths) -> list[Word]:
        """The words from the line's start on with these lengths and gaps; pressed where they would not end in time."""
        start_s, bounds_s = self.words[0].start_s, bounds(lengths)
        scale = min(1.0, (self.limit_s - start_s) / bounds_s[-1])
        firsts_s, ends_s = start_s + scale * bounds_s[::2], start_s + scale * bounds_s[1::2]
        return [
            Word(word.text, float(first_s), float(end_s))
            for word, first_s, end_s in zip(self.words, firsts_s, ends_s, strict=True)
        ]


def lines_of(truth: Truth) -> list[Line]:
    """The lines that stand in the lyrics, in time."""
    sung = [line for line in truth.lines if line.in_lyrics]
    words = [truth.words[line.first_word : line.end_word] for line in sung]
    limits_s = [of[0].start_s - LEAST_GAP_S for of in words[1:]] + [truth.duration_s]
    return [
        Line(
            tuple(Word(word.text, word.start_s, word.end_s) for word in of),
            tuple(word.num_syllables for word in of),
            limit_s,
        )
        for of, limit_s in zip(words, limits_s, strict=True)
    ]


@dataclass(frozen=True)
class Usual(WordsUsual):
    """With the time from one start to the next, in beats and in seconds a syllable; of the share the median over words."""

    beats: float
    syllable_s: float


def usual(truths: Sequence[Truth]) -> Usual:
    """Means over lines of the truths of songs (their words' median share)."""
    steps, beats, syllables, shares, lengths_s, gaps_s = [], [], [], [], [], []
    for truth in truths:
        for line in lines_of(truth):
            lengths_s += [word.end_s - word.start_s for word in line.words]
            gaps_s += [after.start_s - word.end_s for word, after in pairwise(line.words)]
            whole_s = line.words[-1].start_s - line.words[0].start_s
            steps.append(whole_s)
            beats.append((len(line.words) - 1) * 60 / truth.tempo_bpm)
            syllables.append(sum(line.syllables[:-1]))
            shares += [
                (word.end_s - word.start_s) / (after.start_s - word.start_s)
                for word, after in pairwise(line.words)
            ]
    return Usual(
        np.array(lengths_s),
        np.array(gaps_s),
        float(np.median(shares)),
        float(np.sum(steps) / np.sum(beats)),
        float(np.sum(steps) / np.sum(syllables)),
    )


Arm = Callable[[Truth, Usual, np.random.Generator], list[Word]]


def true(truth: Truth, usual: Usual, rng: np.random.Generator) -> list[Word]:
    """The singer's own."""
    return [word for line in lines_of(truth) for word in line.words]


def beats(truth: Truth, usual: Usual, rng: np.random.Generator) -> list[Word]:
    """Every word takes the usual number of beats."""
    step_s = usual.beats * 60 / truth.tempo_bpm
    return _even(truth, usual.share, lambda syllables: step_s)


def syllables(truth: Truth, usual: Usual, rng: np.random.Generator) -> list[Word]:
    """Every syllable takes the usual time."""
    return _even(truth, usual.share, lambda syllables: syllables * usual.syllable_s)


def drawn(truth: Truth, usual: Usual, rng: np.random.Generator) -> list[Word]:
    """Lengths and gaps drawn from those of other songs' words, whichever."""
    lines = lines_of(truth)
    return [word for line in lines for word in line.laid(any_words(usual, len(line.words), rng))]


def shuffled(truth: Truth, usual: Usual, rng: np.random.Generator) -> list[Word]:
    """The song's own lengths and gaps, dealt anew among its words."""
    lines = lines_of(truth)
    own = [lengths_of(line.words) for line in lines]
    lengths_s, gaps_s = dealt(
        (np.concatenate([of[0] for of in own]), np.concatenate([of[1] for of in own])), rng
    )
    ends = np.cumsum([len(line.words) for line in lines])
    parts = zip(
        np.split(lengths_s, ends[:-1]),
        np.split(gaps_s, (ends - np.arange(1, len(ends) + 1))[:-1]),
        strict=True,
    )
    return [word for line, part in zip(lines, parts, strict=True) for word in line.laid(part)]


def random(truth: Truth, usual: Usual, rng: np.random.Generator) -> list[Word]:
    """Starts anywhere between the first and the last true word, in order; a word lasts to a random moment before the next."""
    words = true(truth, usual, rng)
    starts_s = np.sort(rng.uniform(words[0].start_s, words[-1].end_s, len(words)))
    ends_s = starts_s + rng.uniform(0.3, 1.0, len(words)) * np.diff(starts_s, append=words[-1].end_s)
    return [
        Word(word.text, float(start_s), float(end_s))
        for word, start_s, end_s in zip(words, starts_s, ends_s, strict=True)
    ]


ARMS: dict[str, Arm] = {
    "true": true,
    "constant in beats": beats,
    "constant a syllable": syllables,
    "marginal draw": drawn,
    "true lengths shuffled": shuffled,
    "random": random,
}
"""All that need no phonemizer; `rough` is the other."""


def rough(truth: Truth, phonemizer: Phonemizer, params: RoughTimesParams) -> list[Word]:
    """As `jam generate` times words without times in a song of this length: it knows no line's start."""
    lines = lines_of(truth)
    starts = np.cumsum([0, *(len(line.words) for line in lines[:-1])]).tolist()
    lyrics = Lyrics([word.text for line in lines for word in line.words], line_starts=starts)
    return fitted_times(lyrics, truth.duration_s, phonemizer, params).words


def _even(truth: Truth, share: float, step_s: Callable[[int], float]) -> list[Word]:
    """Words that take `step_s` of their syllables each, of which they sound a share."""
    words: list[Word] = []
    for line in lines_of(truth):
        steps_s = np.array([step_s(count) for count in line.syllables])
        words += line.laid(stepped(steps_s, share))
    return words
