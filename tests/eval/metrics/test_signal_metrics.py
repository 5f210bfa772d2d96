"""Energy after the end, SI-SDR, similarity, timing and ranks on signals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.scores import si_sdr, si_sdr_gain
from eval.metrics import word_timing as timing
from eval.metrics.aesthetics import ranked_songs
from eval.metrics.levels import energy_after_end
from eval.metrics.metric import Corpus
from eval.metrics.style_similarity import candidate_diversity, style_similarity
from eval.metrics.word_pairs import Timed as Word
from eval.metrics.word_timing import (
    MATCHED_SHARE,
    swapped_timing_difference,
    timing_difference,
    timing_errors,
    timing_estimate,
)
from eval.stats.intervals import Resampling, drawn_counts_BN

DRAWS = Resampling(num_resamples=500, seed=0)


def test_energy_after_end_is_the_ratio_of_rms() -> None:
    mix = np.ones((2, 3000), np.float32)
    mix[:, 2000:] = 0.25
    assert energy_after_end(mix, 1000, 2.0) == pytest.approx(0.25)
    assert energy_after_end(mix[:, :2000], 1000, 2.0) == 0.0
    assert energy_after_end(mix[:, :1500], 1000, 2.0) == 0.0


def test_energy_of_a_silent_song_is_unknown_and_a_bad_end_is_refused() -> None:
    assert energy_after_end(np.zeros((2, 3000), np.float32), 1000, 2.0) is None
    with pytest.raises(ValueError, match="end_s is 0"):
        energy_after_end(np.ones((2, 10)), 1000, 0.0)


def test_si_sdr_of_orthogonal_noise_is_the_power_ratio() -> None:
    time = np.arange(44100) / 44100
    voice, band = np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 880 * time)
    assert si_sdr(voice + 0.1 * band, voice) == pytest.approx(20, abs=1e-6)
    assert si_sdr(5 * (voice + 0.1 * band) + 3, voice) == pytest.approx(20, abs=1e-6)
    assert si_sdr_gain(voice + 0.1 * band, voice + band, voice) == pytest.approx(20, abs=1e-6)


def test_si_sdr_is_large_for_a_copy_and_unknown_for_silence() -> None:
    voice = np.random.default_rng(0).normal(size=1000)
    assert si_sdr(voice, voice) > 100
    assert si_sdr(np.zeros(1000), voice) is None
    assert si_sdr(voice, np.zeros(1000)) is None
    with pytest.raises(ValueError, match="one length"):
        si_sdr(voice[:10], voice)


def test_style_similarity_is_the_mean_cosine_of_rows() -> None:
    song = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert style_similarity(song, np.array([3.0, 0.0])) == 0.5
    assert style_similarity(np.array([1.0, 1.0]), np.array([-1.0, -1.0])) == pytest.approx(-1)


def test_similarity_of_unusable_embeddings_is_refused() -> None:
    with pytest.raises(ValueError, match="length 0"):
        style_similarity(np.zeros(3), np.ones(3))
    with pytest.raises(ValueError, match="one style encoder"):
        style_similarity(np.ones(2), np.ones(3))


def test_timing_measures_only_words_heard_as_asked() -> None:
    reference = [Word("we", 0.0, 0.5), Word("will", 0.5, 1.0), Word("sing", 1.0, 2.0)]
    hypothesis = [Word("we", 0.1, 0.5), Word("fall", 0.5, 1.0), Word("sing", 0.7, 2.1)]
    errors, nothing = timing_errors(reference, hypothesis), timing_errors(reference[:1], [])
    assert (nothing.start_s, nothing.end_s, nothing.num_reference) == ((), (), 1)
    assert errors.start_s == pytest.approx((0.1, 0.3))
    assert errors.end_s == pytest.approx((0.0, 0.1))
    share = MATCHED_SHARE.estimate([errors], Corpus(DRAWS))
    assert share.value == pytest.approx(2 / 3)
    both = MATCHED_SHARE.pooled([errors, nothing])
    assert (both.start_s, both.num_matched, both.num_reference) == (errors.start_s, 2, 4), "candidates as one"


def test_timing_quantiles_equal_numpys_and_songs_without_words_fail() -> None:
    generator = np.random.default_rng(1)
    songs = [
        timing.TimingErrors(tuple(generator.exponential(0.05, 15)), tuple(generator.exponential(0.1, 15)), 16)
        for _ in range(12)
    ]
    pooled = np.concatenate([song.start_s for song in songs])
    for which, share in (("median", 0.5), ("p90", 0.9)):
        estimate = timing_estimate([*songs, None, timing.TimingErrors((), (), 5)], "start", which, DRAWS)
        assert estimate.value == pytest.approx(np.quantile(pooled, share, method="inverted_cdf"))
        assert estimate.low <= estimate.value <= estimate.high
        assert (estimate.n, estimate.n_failed, estimate.unit) == (12, 2, "s")
    assert timing_estimate([None], "end", "p90", DRAWS).reason == "no song has a matched word"


def test_timing_interval_equals_a_plain_loop() -> None:
    generator = np.random.default_rng(2)
    songs = [timing.TimingErrors(tuple(generator.exponential(1, 1 + i)), (0.0,), 9) for i in range(6)]
    counts = drawn_counts_BN(DRAWS, 6).astype(int)
    medians = [
        np.quantile(
            np.concatenate([np.tile(song.start_s, times) for song, times in zip(songs, row, strict=True)]),
            0.5,
            method="inverted_cdf",
        )
        for row in counts
    ]
    estimate = timing_estimate(songs, "start", "median", DRAWS)
    assert [estimate.low, estimate.high] == pytest.approx(np.quantile(medians, [0.025, 0.975]))


def test_ranks_count_songs_in_strict_order_and_failed_ones_apart() -> None:
    estimate = ranked_songs([[3.0, 3.0, 3.0, None], [2.0, 3.0, 2.0, 2.0], [1.0, 1.0, 2.5, 1.0]])
    assert (estimate.value, estimate.n, estimate.n_failed, estimate.unit) == (1.0, 3, 1, "songs")


def test_diversity_is_the_mean_distance_of_all_pairs_of_takes() -> None:
    east, north = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])
    assert candidate_diversity([east, east, north]) == pytest.approx(2 / 3)
    assert candidate_diversity([east, -east]) == pytest.approx(2)
    assert candidate_diversity([east]) is None


def test_swapped_timings_are_those_of_the_swapped_songs() -> None:
    generator = np.random.default_rng(3)
    mine, theirs = (
        [timing.TimingErrors(tuple(generator.exponential(scale, 3 + n)), (0.0,), 9) for n in range(4)]
        for scale in (0.1, 0.3)
    )
    lone = timing.TimingErrors((), (), 2)
    difference, num_songs = swapped_timing_difference([*mine, lone], [*theirs, theirs[0]], "start", "p90")
    found = difference(np.array([[False] * 4, [True, False, False, True]]))
    swapped = [theirs[0], mine[1], mine[2], theirs[3]], [mine[0], theirs[1], theirs[2], mine[3]]
    assert num_songs == 4
    for value, sides in zip(found, ((mine, theirs), swapped), strict=True):
        assert value == pytest.approx(timing_difference(*sides, "start", "p90", DRAWS).value)
