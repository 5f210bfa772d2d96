"""Tests of differences: right by hand, rarely wrong about equal systems, as strong as they say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from eval.stats.intervals import Estimate, Resampling, paired_mean_difference
from eval.stats.significance import (
    ENOUGH,
    detectable_by_interval,
    detectable_difference,
    detectable_rate_difference,
    holm,
    paired_p_value,
    paired_rate_p_value,
    sequential_p_value,
    swap_p_value,
)

DRAWS = Resampling(num_resamples=2000, seed=3)
QUICK = Resampling(num_resamples=400, seed=3)


def test_few_songs_are_gone_through_in_all_ways() -> None:
    scores, others = [0.9, 0.7, 0.8, 0.6], [0.5, 0.6, 0.5, 0.5]
    differences = np.subtract(scores, others)
    ways = [float(np.mean(differences * signs)) for signs in product((1, -1), repeat=4)]
    seen = float(differences.mean())
    assert paired_p_value(scores, others, DRAWS) == sum(abs(way) >= seen - 1e-12 for way in ways) / 16
    assert paired_p_value(scores, others, DRAWS, "greater") == 1 / 16
    assert paired_p_value(scores, others, DRAWS, "less") == 1.0
    assert paired_p_value(others, scores, DRAWS, "less") == 1 / 16


def test_rates_swap_errors_and_words_of_a_song_together() -> None:
    errors, words, other_errors, other_words = [1, 2, 0], [4, 5, 3], [2, 4, 3], [4, 6, 3]
    values = []
    for swaps in product((False, True), repeat=3):
        left = [
            (b, d) if s else (a, c)
            for s, a, b, c, d in zip(swaps, errors, other_errors, words, other_words, strict=True)
        ]
        right = [
            (a, c) if s else (b, d)
            for s, a, b, c, d in zip(swaps, errors, other_errors, words, other_words, strict=True)
        ]
        rates = [sum(e for e, _ in side) / sum(w for _, w in side) for side in (left, right)]
        values.append(rates[0] - rates[1])
    expected = sum(abs(value) >= abs(values[0]) - 1e-12 for value in values) / 8
    assert paired_rate_p_value(errors, words, other_errors, other_words, DRAWS) == expected


def test_drawn_p_values_agree_with_all_ways_and_are_never_zero() -> None:
    generator = np.random.default_rng(0)
    scores, others = generator.normal(size=(2, 10))
    exact = paired_p_value(scores, others, Resampling(2000, 1))
    assert paired_p_value(scores, others, Resampling(1000, 1)) == pytest.approx(exact, abs=0.04)
    assert paired_p_value(np.ones(40), np.zeros(40), DRAWS) == 1 / 2001


def test_a_margin_is_what_must_be_beaten() -> None:
    better, base = np.linspace(0.5, 0.7, 30), np.linspace(0.4, 0.6, 30)
    better = better + 0.01 * (-1.0) ** np.arange(30)
    assert paired_p_value(better, base, DRAWS, "greater", margin=0.05) < 0.01
    assert paired_p_value(better, base, DRAWS, "greater", margin=0.15) > 0.9
    assert paired_p_value(base, base, DRAWS, "greater", margin=-0.05) < 0.01  # not worse by more than 0.05
    words = np.full(30, 10)
    errors, others = words * better, words * base
    assert paired_rate_p_value(errors, words, others, words, DRAWS, "greater", margin=0.05) < 0.01
    assert paired_rate_p_value(errors, words, others, words, DRAWS, "greater", margin=0.15) > 0.9


@pytest.mark.parametrize("what", ["scores", "rates"])
def test_equal_systems_are_told_apart_at_most_7_times_in_100(what: str) -> None:
    generator = np.random.default_rng(8)
    song = generator.exponential(size=24)
    words = generator.integers(5, 60, size=24)
    one, other = song + generator.exponential(size=(2, 24))
    significant = 0
    for _ in range(1000):
        swapped = generator.integers(2, size=24) == 1
        left, right = np.where(swapped, other, one), np.where(swapped, one, other)
        if what == "scores":
            p_value = paired_p_value(left, right, QUICK)
        else:
            p_value = paired_rate_p_value(left * words, words, right * words, words, QUICK)
        significant += p_value <= 0.05
    assert significant <= 70


def test_songs_without_a_score_are_left_out_on_both_sides() -> None:
    assert paired_p_value([1.0, None, 3.0], [0.0, 5.0, math.nan], DRAWS) == 1.0
    assert paired_p_value([None], [1.0], DRAWS) is None
    assert paired_rate_p_value([], [], [], [], DRAWS) is None


class Counted:
    """The mean difference of songs under swaps, and how many draws were asked for."""

    def __init__(self, differences_N: np.ndarray) -> None:
        self.differences_N, self.draws = differences_N, 0

    def __call__(self, swaps_BN: np.ndarray) -> np.ndarray:
        self.draws += len(swaps_BN) if len(swaps_BN) > 1 else 0
        return (self.differences_N * np.where(swaps_BN, -1, 1)).mean(axis=1)


def test_a_sequential_test_draws_on_only_while_a_difference_may_be_real() -> None:
    generator = np.random.default_rng(7)
    clear, nothing = Counted(generator.normal(1, 1, 40)), Counted(generator.normal(0, 1, 40))
    assert sequential_p_value(clear, 40, DRAWS) == 1 / 2001 and clear.draws == 2000
    found = sequential_p_value(nothing, 40, DRAWS)
    assert found == pytest.approx(swap_p_value(nothing, 40, DRAWS), abs=0.2) and found > 0.05
    few = Counted(np.array([0.4, 0.1, 0.3, -0.1]))
    assert sequential_p_value(few, 4, DRAWS) == swap_p_value(few, 4, DRAWS)
    again = Counted(nothing.differences_N)
    assert sequential_p_value(again, 40, DRAWS) == found and again.draws <= 10 * ENOUGH


def test_a_sequential_test_is_rarely_wrong_about_equal_systems() -> None:
    generator = np.random.default_rng(8)
    found = [sequential_p_value(Counted(generator.normal(0, 1, 20)), 20, QUICK) for _ in range(500)]
    assert np.mean(np.array(found) <= 0.05) <= 0.08


def test_holm_corrects_by_rank_and_keeps_what_is_no_test() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([None]) == [None]
    assert holm([]) == []


def test_the_detectable_difference_is_found_8_times_in_10() -> None:
    generator = np.random.default_rng(5)
    size = 32
    true = (2.0395 + 0.8534) / math.sqrt(size)  # t quantiles of 31 degrees, differences of spread 1
    seen = detectable_difference(generator.normal(size=4000), np.zeros(4000))
    assert seen == pytest.approx((1.9605 + 0.8418) / math.sqrt(4000), rel=0.05)
    found = [
        paired_p_value(generator.normal(true, 1, size), np.zeros(size), QUICK) <= 0.05 for _ in range(500)
    ]
    assert 0.74 <= np.mean(found) <= 0.86


def test_the_detectable_rate_difference_of_equal_lengths_is_that_of_means() -> None:
    generator = np.random.default_rng(6)
    errors, others, words = generator.integers(0, 9, 30), generator.integers(0, 9, 30), np.full(30, 20)
    rates = detectable_rate_difference(errors, words, others, words)
    assert rates == pytest.approx(detectable_difference(errors / 20, others / 20))
    assert detectable_difference([1.0], [2.0]) is None
    assert detectable_rate_difference([], [], [], []) is None


def test_the_width_of_an_interval_says_about_what_is_detectable() -> None:
    scores, others = np.random.default_rng(9).normal(size=(2, 60))
    estimate = paired_mean_difference(scores, others, DRAWS)
    assert detectable_by_interval(estimate) == pytest.approx(detectable_difference(scores, others), rel=0.1)
    assert detectable_by_interval(Estimate(1.0, None, None, 9, 0)) is None
    assert detectable_by_interval(Estimate(1.0, 1.0, 1.0, 1, 0)) is None
