"""Diversity against all pairs gone through, and genres that are nearest."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from eval.metrics.diversity import diversity, diversity_difference, swapped_diversity_difference
from eval.metrics.style_similarity import nearest_genre


def apart(songs: list[np.ndarray]) -> float:
    pairs = combinations([song / np.linalg.norm(song) for song in songs], 2)
    return float(np.mean([1 - a @ b for a, b in pairs]))


def test_mean_over_all_pairs_with_the_jackknife_over_songs() -> None:
    songs = list(np.random.default_rng(0).normal(1, 1, size=(8, 5)))
    found = diversity([*songs, None])
    assert found.value == pytest.approx(apart(songs))
    assert (found.n, found.n_failed) == (8, 1)
    without = np.array([apart(songs[:i] + songs[i + 1 :]) for i in range(8)])
    error = np.sqrt(7 / 8 * ((without - without.mean()) ** 2).sum())
    assert found.high - found.value == pytest.approx(2.364624 * error, rel=1e-5)


def test_swapped_songs_are_as_diverse_as_the_swapped_sets() -> None:
    mine, theirs = np.random.default_rng(1).normal(0.5, 1, size=(2, 4, 5))
    difference, num_songs = swapped_diversity_difference([*mine, None], [*theirs, theirs[0]])
    found = difference(np.array([[False] * 4, [True, False, False, True]]))
    left = [theirs[0], mine[1], mine[2], theirs[3]]
    right = [mine[0], theirs[1], theirs[2], mine[3]]
    assert num_songs == 4
    assert found[0] == pytest.approx(diversity_difference(list(mine), list(theirs)).value)
    assert found[1] == pytest.approx(apart(left) - apart(right))


def test_one_song_over_and_over_is_not_diverse() -> None:
    assert diversity([np.array([1.0, 2.0])] * 5).value == pytest.approx(0, abs=1e-12)
    assert diversity([np.array([1.0, 0.0]), None]).value is None
    assert diversity([np.array([1.0, 0.0]), np.array([0.0, 1.0])]).low is None


def test_difference_is_over_the_songs_both_have() -> None:
    generator = np.random.default_rng(1)
    spread, alike = generator.normal(0, 1, size=(10, 4)), generator.normal(5, 1, size=(10, 4))
    found = diversity_difference([*spread, None], [*alike, alike[0]])
    assert found.above_zero and (found.n, found.n_failed) == (10, 1)
    assert diversity_difference(list(alike), list(alike)).value == 0


def test_vector_that_points_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="points nowhere"):
        diversity([np.zeros(3), np.ones(3)])


def test_nearest_genre_is_by_the_mean_cosine() -> None:
    genres = {"pop": np.array([1.0, 0.0]), "folk": np.array([0.0, 1.0])}
    assert nearest_genre(np.array([[0.9, 0.1], [0.4, 0.6]]), genres) == "pop"
    assert nearest_genre(np.array([[0.1, 0.9]]), genres) == "folk"
    with pytest.raises(ValueError, match="two or more"):
        nearest_genre(np.ones((1, 2)), {"pop": genres["pop"]})
