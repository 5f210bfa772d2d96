"""Toy songs the recogniser has never seen, as the tests of speech models share them."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import count, islice

import numpy as np

from flows.settings.params import load_params
from tasks.models.phonemizer import build_phonemizer, normalise_words
from tasks.models.separator import MidSidePitchSeparator
from tasks.toy.composition import GENRES, SAMPLE_RATE_HZ, Note, Score, compose, song_seed
from tasks.toy.performance import Performance, perform

PHONEMIZER = build_phonemizer(load_params().models.phonemizer)


@cache
def scores(each: int = 1) -> list[Score]:
    """The first `each` scores of every genre."""
    found: dict[str, list[Score]] = {genre: [] for genre in GENRES}
    number = 0
    while any(len(of_genre) < each for of_genre in found.values()):
        score = compose(song_seed(4242, number))
        if len(found[score.genre]) < each:
            found[score.genre].append(score)
        number += 1
    return [score for of_genre in found.values() for score in of_genre]


@cache
def songs(each: int = 1) -> list[Performance]:
    """The first `each` songs of every genre."""
    return [perform(score) for score in scores(each)]


@cache
def separated(each: int = 1) -> list[np.ndarray]:
    """Their vocals, taken out of the mix."""
    return [separate(song.mix_CN) for song in songs(each)]


@cache
def with_four_choruses(genre: str) -> Score:
    """A song of 13 lines in which the same two come four times, between lines that come once."""
    drawn = (compose(song_seed(4343, number)) for number in count())
    one, other, third = islice((score for score in drawn if score.genre == genre and len(score.lines) > 2), 3)
    chorus = [(one, 0), (one, 1)]
    verses = [[(other, 0), (other, 1)], [(other, 2), (third, 0)], [(third, 1)]]
    return _joined([*verses[0], *chorus, *verses[1], *chorus, *verses[2], *chorus, *chorus])


def _joined(sung: list[tuple[Score, int]]) -> Score:
    """The lines (a score and the number of its line) sung one after the other, with the first one's voice and band."""
    base = sung[0][0]
    notes: list[Note] = []
    lines: list[tuple[int, int]] = []
    time_s = 1.0
    for score, number in sung:
        first, last = score.lines[number]
        later_s = time_s - score.notes[first].start_s
        lines.append((len(notes), len(notes) + last - first))
        notes += [replace(note, start_s=note.start_s + later_s) for note in score.notes[first:last]]
        time_s = notes[-1].start_s + notes[-1].duration_s + 0.6
    bar_s = 240 / base.bpm
    chords = [
        replace(base.chords[bar % len(base.chords)], start_s=bar * bar_s, end_s=(bar + 1) * bar_s)
        for bar in range(math.ceil(time_s / bar_s))
    ]
    return replace(
        base,
        notes=tuple(notes),
        lines=tuple(lines),
        chords=tuple(chords),
        beats_s=tuple(np.arange(0, time_s, 60 / base.bpm).tolist()),
        num_samples=round((time_s + 0.5) * SAMPLE_RATE_HZ),
    )


def separate(mix_CN: np.ndarray) -> np.ndarray:
    """Vocals by the embedded separator."""
    return MidSidePitchSeparator().separate(mix_CN)


def lyrics(song: Performance) -> list[str]:
    """The words sung, normalised."""
    return [word for timed in song.words for word in normalise_words(timed.text)]


def said(words: list[str]) -> list[tuple[str, str]]:
    """Each with its pronunciation."""
    return [(word, one.phonemes) for word, one in zip(words, PHONEMIZER.phonemize(words), strict=True)]


def with_words(score: Score, words: list[str]) -> Score:
    """The same song with other words, in turn."""
    notes = [replace(note, word=words[i % len(words)]) for i, note in enumerate(score.notes)]
    return replace(score, notes=tuple(notes))
