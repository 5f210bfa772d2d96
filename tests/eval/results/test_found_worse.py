"""What a benchmark must find, and must not: a corrupted system is worse, equal ones are not told apart."""

from __future__ import annotations

import numpy as np

from eval.metrics.error_rates import WER, count_errors, fractions, normalise
from eval.metrics.metric import Corpus
from eval.stats.intervals import Resampling
from eval.stats.significance import paired_p_value, paired_rate_p_value

DRAWS = Resampling(num_resamples=999, seed=4)
WORDS = np.array(["moon", "river", "fire", "night", "dream", "ocean", "light", "road"])


def lyrics(seed: int) -> list[list[str]]:
    generator = np.random.default_rng(seed)
    return [list(generator.choice(WORDS, generator.integers(15, 40))) for _ in range(20)]


def with_words_swapped(songs: list[list[str]], share: float) -> list[list[str]]:
    """A share of each song's words becomes another word."""
    generator = np.random.default_rng(5)
    swapped = [list(song) for song in songs]
    for song in swapped:
        for place in generator.choice(len(song), round(share * len(song)), replace=False):
            song[place] = str(generator.choice(WORDS[song[place] != WORDS]))
    return swapped


def test_perfect_copies_have_no_error_and_a_fifth_of_other_words_is_found_worse() -> None:
    reference = lyrics(1)
    sides = (reference, with_words_swapped(reference, 0.2))
    perfect, corrupted = (
        [count_errors(normalise(a), normalise(b)) for a, b in zip(reference, hypothesis, strict=True)]
        for hypothesis in sides
    )
    assert WER.estimate(perfect, Corpus(DRAWS)).value == 0.0
    found = WER.estimate(corrupted, Corpus(DRAWS))
    assert found.value is not None and 0.15 < found.value <= 0.21
    p_value = paired_rate_p_value(*fractions(corrupted), *fractions(perfect), DRAWS)
    assert p_value is not None and p_value < 0.01


def test_two_equal_systems_are_told_apart_no_more_often_than_chance_allows() -> None:
    generator = np.random.default_rng(6)
    left, right = generator.gamma(2.0, 0.1, size=(2, 20))
    significant = 0
    for swap in generator.integers(0, 2, size=(1000, 20)).astype(bool):
        p_value = paired_p_value(np.where(swap, right, left), np.where(swap, left, right), Resampling(199, 7))
        significant += p_value is not None and p_value <= 0.05
    assert significant <= 70
