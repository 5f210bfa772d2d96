"""Toy songs the recogniser has never seen, as the tests of speech models share them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from flows.settings.params import load_params
from tasks.models.phonemizer import build_phonemizer, normalise_words
from tasks.models.separator import MidSidePitchSeparator
from tasks.toy.composition import GENRES, Score, compose, song_seed
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
