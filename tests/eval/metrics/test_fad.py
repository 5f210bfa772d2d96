"""The Frechet distance against closed forms, scipy's root, and itself in parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from eval.metrics.fad import (
    fad,
    fad_difference,
    fad_difference_of_songs,
    fad_floor,
    swapped_fad_difference,
)
from eval.metrics.fad_inf import fad_inf
from eval.metrics.frechet import (
    FrechetReference,
    WindowStatistics,
    merged,
    window_statistics,
)


def gaussian(mean: list[float], covariance: np.ndarray) -> WindowStatistics:
    return WindowStatistics(1001, np.array(mean, float), np.asarray(covariance, float) * 1000)


def songs(num_songs: int, dimension: int, seed: int, shift: float = 0.0) -> list[WindowStatistics]:
    generator = np.random.default_rng(seed)
    return [window_statistics(generator.normal(shift, 1, size=(20, dimension))) for _ in range(num_songs)]


def test_diagonal_gaussians_have_the_closed_form() -> None:
    left = gaussian([0, 0], np.diag([1.0, 4.0]))
    right = gaussian([3, 4], np.diag([9.0, 25.0]))
    assert FrechetReference(left).distance(right) == pytest.approx(
        25 + (3 - 1) ** 2 + (5 - 2) ** 2, rel=1e-12
    )
    assert FrechetReference(left).distance(left) == pytest.approx(0, abs=1e-9)


def test_full_covariances_agree_with_scipys_root() -> None:
    generator = np.random.default_rng(0)
    for dimension in (2, 16, 64):
        left_WD, right_WD = (
            generator.normal(size=(4 * dimension, dimension)) @ generator.normal(size=(dimension, dimension))
            for _ in range(2)
        )
        left_DD, right_DD = np.cov(left_WD.T), np.cov(right_WD.T)
        step = left_WD.mean(axis=0) - right_WD.mean(axis=0)
        theirs = step @ step + np.trace(left_DD + right_DD - 2 * sqrtm(left_DD @ right_DD).real)
        ours = FrechetReference(window_statistics(left_WD)).distance(window_statistics(right_WD))
        assert ours == pytest.approx(theirs, rel=1e-6)


def test_singular_covariances_keep_the_distance_finite() -> None:
    left = gaussian([0, 0, 0], np.diag([1.0, 0.0, 0.0]))
    right = gaussian([0, 0, 0], np.diag([0.0, 1.0, 0.0]))
    assert FrechetReference(left).distance(right) == pytest.approx(2)


def test_merged_parts_equal_the_whole() -> None:
    windows = np.random.default_rng(1).normal(100, 3, size=(120, 7))
    whole = window_statistics(windows)
    together = merged(window_statistics(part) for part in np.split(windows, [1, 30, 31, 90]))
    assert together.num_windows == 120
    np.testing.assert_allclose(together.mean_D, whole.mean_D, rtol=1e-12)
    np.testing.assert_allclose(together.covariance_DD, np.cov(windows.T), rtol=1e-9, atol=1e-12)


def test_a_part_taken_away_leaves_the_rest() -> None:
    windows = np.random.default_rng(2).normal(size=(60, 5))
    rest = window_statistics(windows) - window_statistics(windows[:20])
    expected = window_statistics(windows[20:])
    np.testing.assert_allclose(rest.mean_D, expected.mean_D, atol=1e-12)
    np.testing.assert_allclose(rest.scatter_DD, expected.scatter_DD, atol=1e-9)


def test_estimate_grows_with_the_shift_and_counts_failed_songs() -> None:
    reference = FrechetReference(merged(songs(40, 4, seed=3)))
    near = fad(reference, songs(20, 4, seed=4))
    far = fad(reference, [*songs(20, 4, seed=5, shift=1.0), None])
    assert far.value == pytest.approx(4, rel=0.25)
    assert far.low <= far.value <= far.high
    assert near.high < far.low
    assert (far.n, far.n_failed, far.method) == (20, 1, "jackknife")


def test_jackknife_equals_leaving_each_song_out() -> None:
    reference, scored = FrechetReference(merged(songs(30, 3, seed=6))), songs(5, 3, seed=7)
    without = [reference.distance(merged(scored[:i] + scored[i + 1 :])) for i in range(5)]
    error = np.sqrt(4 / 5 * np.sum((np.array(without) - np.mean(without)) ** 2))
    estimate = fad(reference, scored)
    assert estimate.high - estimate.value == pytest.approx(2.776445 * error, rel=1e-5)


def test_too_few_windows_give_null_with_the_reason() -> None:
    reference = FrechetReference(merged(songs(10, 16, seed=8)))
    estimate = fad(reference, songs(1, 16, seed=9))
    assert estimate.value is None
    assert "20 windows, fewer than 2 x dimension = 32" in estimate.reason
    assert "no song has windows" in fad(reference, [None]).reason
    small = FrechetReference(songs(1, 16, seed=9)[0])
    assert fad(small, songs(10, 16, seed=8)).reason.startswith("the reference")


def test_interval_is_missing_where_leaving_a_song_out_leaves_too_few_windows() -> None:
    reference = FrechetReference(merged(songs(10, 16, seed=8)))
    estimate = fad(reference, songs(2, 16, seed=9))
    assert estimate.value > 0
    assert (estimate.low, estimate.high) == (None, None)
    assert "leaves 20 windows, fewer than 32" in estimate.reason
    assert fad_difference(reference, songs(2, 16, seed=9), songs(2, 16, seed=10)).value is None


def test_difference_is_paired_over_songs() -> None:
    reference = FrechetReference(merged(songs(40, 4, seed=10)))
    worse, better = songs(12, 4, seed=11, shift=1.0), songs(12, 4, seed=12)
    estimate = fad_difference(reference, [*worse, None], [*better, better[0]])
    assert estimate.above_zero
    assert (estimate.n, estimate.n_failed) == (12, 1)
    assert fad_difference(reference, worse, worse).value == 0


def test_floor_is_small_seeded_and_refused_on_too_few_songs() -> None:
    true_songs = songs(40, 4, seed=13)
    floor = fad_floor(true_songs, 20, seed=1)
    assert floor == fad_floor(true_songs, 20, seed=1)
    assert 0 < floor.value < 0.2
    assert floor.value < fad_floor(true_songs, 5, seed=1).value
    assert fad_floor(true_songs[:2], 1, seed=1).value is not None
    assert "fewer than 2 x dimension" in fad_floor(songs(2, 16, seed=1), 1, seed=1).reason
    assert "fewer than 2 x 21" in fad_floor(true_songs, 21, seed=1).reason


def test_few_windows_give_what_the_whole_matrix_gives() -> None:
    reference = FrechetReference(merged(songs(40, 16, seed=14)))
    windows = np.random.default_rng(15).normal(0.3, 2, size=(9, 16))
    whole = reference.distance(window_statistics(windows))
    assert reference.distance_of_windows(windows) == pytest.approx(whole, rel=1e-6)
    point = reference.statistics.mean_D + 1
    from_point = 16 + np.trace(reference.statistics.covariance_DD)
    assert reference.distance_of_windows(point[None]) == pytest.approx(from_point)


def test_swapped_songs_give_the_distances_of_the_swapped_sets() -> None:
    reference = FrechetReference(merged(songs(40, 4, seed=16)))
    mine, theirs = songs(5, 4, seed=17, shift=0.5), songs(5, 4, seed=18)
    difference, num_songs = swapped_fad_difference(reference, [*mine, None], [*theirs, theirs[0]])
    swaps = np.array([[False] * 5, [True, False, False, True, False], [True] * 5])
    found = difference(swaps)
    left = merged([theirs[0], mine[1], mine[2], theirs[3], mine[4]])
    right = merged([mine[0], theirs[1], theirs[2], mine[3], theirs[4]])
    assert num_songs == 5
    assert found[0] == pytest.approx(fad_difference(reference, mine, theirs).value)
    assert found[1] == pytest.approx(reference.distance(left) - reference.distance(right))
    assert found[2] == pytest.approx(-found[0])


def test_distance_at_infinity_takes_the_bias_of_few_songs_away() -> None:
    reference, scored = FrechetReference(merged(songs(400, 4, seed=19))), songs(24, 4, seed=20)
    found = fad_inf(reference, scored, seed=1)
    assert abs(found.value) < fad(reference, scored).value
    assert found.low is None and "extrapolation" in found.reason
    assert "three sizes" in fad_inf(reference, scored[:2], seed=1).reason
    assert fad_inf(reference, [None], seed=1).n_failed == 1


def test_windows_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        window_statistics(np.array([[1.0, np.nan]]))
    with pytest.raises(ValueError, match="at least one window"):
        window_statistics(np.zeros((0, 4)))


def test_what_songs_add_to_a_difference_has_its_spread_and_about_its_mean() -> None:
    reference = FrechetReference(merged(songs(30, 4, seed=1)))
    near, far = songs(20, 4, seed=2), songs(20, 4, seed=3, shift=0.5)
    whole, parts_N = (
        fad_difference(reference, far, near),
        fad_difference_of_songs(reference, far, near),
    )
    assert whole.value is not None and whole.low is not None and whole.high is not None
    assert parts_N.mean() == pytest.approx(whole.value, rel=0.1)
    half = 2.093 * parts_N.std(ddof=1) / np.sqrt(20)  # t of 19 degrees: the jackknife's interval is theirs
    assert whole.high - whole.low == pytest.approx(2 * half, rel=1e-3)
    assert len(fad_difference_of_songs(reference, [None] * 20, near)) == 0
