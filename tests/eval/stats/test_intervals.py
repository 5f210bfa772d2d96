"""Intervals: values by hand, missing songs, pairing, coverage, the same draws from the same seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.stats.intervals import (
    Resampling,
    drawn_counts_BN,
    jackknife,
    mean,
    paired_mean_difference,
    paired_rate_difference,
    proportion,
    rate,
)

DRAWS = Resampling(num_resamples=2000, seed=11)


def test_mean_counts_none_and_nan_as_failed() -> None:
    estimate = mean([1.0, None, 3.0, math.nan], DRAWS)
    assert (estimate.value, estimate.n, estimate.n_failed) == (2.0, 2, 2)
    assert (estimate.low, estimate.high) == (1.0, 3.0)


def test_no_scored_song_gives_no_value_but_a_reason() -> None:
    estimate = mean([None, math.nan], DRAWS)
    assert (estimate.value, estimate.low, estimate.n, estimate.n_failed) == (None, None, 0, 2)
    assert estimate.reason == "no song has a score"


def test_one_song_has_a_value_and_no_interval() -> None:
    estimate = mean([2.0], DRAWS)
    assert (estimate.value, estimate.low, estimate.high) == (2.0, None, None)
    assert "one song" in estimate.reason


def test_rate_is_a_ratio_of_sums() -> None:
    estimate = rate([1, 0, 5], [10, 10, 5], DRAWS)
    assert estimate.value == pytest.approx(6 / 25)
    assert estimate.low == 0.0
    assert estimate.high == pytest.approx(1.0)


def test_proportion_has_wilsons_interval_also_at_the_ends() -> None:
    found = proportion(9, 10)
    assert (found.value, found.n) == (0.9, 10)
    assert (found.low, found.high) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert proportion(10, 10).high == pytest.approx(1.0)
    assert proportion(10, 10).low == pytest.approx(10 / (10 + 1.959964**2))
    assert proportion(0, 0).reason == "there is no song"


def test_bootstrap_equals_a_plain_loop_over_the_same_draws() -> None:
    scores = np.random.default_rng(0).normal(size=9)
    counts = drawn_counts_BN(DRAWS, 9)
    assert (counts.sum(axis=1) == 9).all()
    means = [np.repeat(scores, row.astype(int)).mean() for row in counts]
    estimate = mean(scores, DRAWS)
    assert [estimate.low, estimate.high] == pytest.approx(np.quantile(means, [0.025, 0.975]))


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    scores = np.random.default_rng(1).normal(size=20)
    assert mean(scores, DRAWS) == mean(scores, Resampling(2000, 11)) != mean(scores, Resampling(2000, 12))


def test_pairing_removes_what_songs_have_in_common() -> None:
    generator = np.random.default_rng(2)
    song = generator.normal(0, 5, size=40)
    better, worse = song + 0.5 + generator.normal(0, 0.1, 40), song + generator.normal(0, 0.1, 40)
    paired = paired_mean_difference(better, worse, DRAWS)
    assert paired.above_zero
    assert paired.value == pytest.approx(better.mean() - worse.mean())
    assert paired.high - paired.low < 0.2 < mean(better, DRAWS).high - mean(better, DRAWS).low


def test_pairs_with_one_side_missing_fail() -> None:
    estimate = paired_mean_difference([1.0, None, 3.0], [0.0, 1.0, math.nan], DRAWS)
    assert (estimate.value, estimate.n, estimate.n_failed) == (1.0, 1, 2)


def test_paired_rate_difference_of_equal_systems_is_exactly_zero() -> None:
    errors, words = [1, 4, 2, 0], [10, 9, 12, 8]
    estimate = paired_rate_difference(errors, words, errors, words, DRAWS)
    assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)
    assert not estimate.resolved


def test_intervals_of_32_songs_cover_the_truth_about_95_times_in_100() -> None:
    generator = np.random.default_rng(4)
    quick = Resampling(num_resamples=400, seed=1)
    covered = 0
    for _ in range(400):
        estimate = mean(generator.exponential(size=32), quick)
        covered += estimate.low <= 1 <= estimate.high
    assert 0.87 <= covered / 400 <= 0.98


def test_equal_systems_are_rarely_told_apart() -> None:
    generator = np.random.default_rng(6)
    quick = Resampling(num_resamples=400, seed=1)
    significant = 0
    for _ in range(400):
        scores, others = generator.normal(size=(2, 32))
        significant += paired_mean_difference(scores, others, quick).resolved
    assert significant / 400 <= 0.10


def test_jackknife_of_a_mean_is_the_t_interval() -> None:
    scores = np.array([1.0, 2.0, 4.0, 9.0])
    without = [(scores.sum() - score) / 3 for score in scores]
    estimate = jackknife(float(scores.mean()), without, n_failed=1)
    half = 3.182446 * scores.std(ddof=1) / 2
    assert estimate.low == pytest.approx(4 - half, rel=1e-5)
    assert estimate.high == pytest.approx(4 + half, rel=1e-5)
    assert (estimate.n, estimate.n_failed) == (4, 1)


def test_columns_of_different_songs_and_infinite_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="same song"):
        paired_mean_difference([1.0], [1.0, 2.0], DRAWS)
    with pytest.raises(ValueError, match="infinite"):
        mean([1.0, math.inf], DRAWS)
    with pytest.raises(ValueError, match="num_resamples"):
        Resampling(num_resamples=10, seed=0)
