"""Toy songs from a set no constant was measured on, as the tests of signal models share them."""

from __future__ import annotations

from functools import cache

import numpy as np

from tasks.toy.composition import GENRES, Score, compose, song_seed
from tasks.toy.performance import Performance, perform

SET_SEED = 31_337


@cache
def played(num_per_genre: int) -> list[tuple[Score, Performance]]:
    """So many songs of each genre, the genres in turn."""
    by_genre: dict[str, list[Score]] = {genre: [] for genre in GENRES}
    number = 0
    while min(len(scores) for scores in by_genre.values()) < num_per_genre:
        score = compose(song_seed(SET_SEED, number))
        by_genre[score.genre].append(score)
        number += 1
    return [
        (score, perform(score))
        for index in range(num_per_genre)
        for score in (s[index] for s in by_genre.values())
    ]


def with_noise(mix_CN: np.ndarray, ratio_db: float) -> np.ndarray:
    """The mix with white noise `ratio_db` below it."""
    noise_CN = np.random.default_rng(5).standard_normal(mix_CN.shape)
    loudness = np.sqrt(np.mean(np.square(mix_CN, dtype=np.float64)))
    return (mix_CN + loudness * 10 ** (-ratio_db / 20) * noise_CN).astype(np.float32)
