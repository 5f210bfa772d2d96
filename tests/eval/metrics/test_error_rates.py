"""Error rates against hand-counted fractions and jiwer."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest

from eval.metrics.error_rates import (
    WER,
    ErrorCounts,
    corpus_counts,
    count_errors,
    normalise,
)
from eval.metrics.metric import Corpus
from eval.stats.intervals import Resampling
from tests.every import every

DRAWS = Corpus(Resampling(num_resamples=500, seed=3))


@every(
    ("reference", "hypothesis", "counts", "rate"),
    [
        ("we will sing", "we will sing", ErrorCounts(3, 0, 0, 0), 0.0),
        ("we will sing", "we will fall", ErrorCounts(2, 1, 0, 0), 1 / 3),
        ("we will sing", "we sing", ErrorCounts(2, 0, 1, 0), 1 / 3),
        ("we will sing", "", ErrorCounts(0, 0, 3, 0), 1.0),
        ("a b c d e f", "a x b y c z d e f w", ErrorCounts(6, 0, 0, 4), 4 / 6),
        ("one two", "x y z one two w v", ErrorCounts(2, 0, 0, 5), 5 / 2),
        ("", "", ErrorCounts(0, 0, 0, 0), 0.0),
        ("", "la la", ErrorCounts(0, 0, 0, 2), 2.0),
    ],
)
def test_counts_and_rate_are_what_a_hand_counts(
    reference: str, hypothesis: str, counts: ErrorCounts, rate: float
) -> None:
    found = count_errors(reference.split(), hypothesis.split())
    assert found == counts
    assert found.rate == pytest.approx(rate)


def test_500_random_pairs_count_exactly_as_jiwer_does() -> None:
    generator = np.random.default_rng(5)
    for _ in range(500):
        reference, hypothesis = (
            list(generator.choice(list("abcde"), generator.integers(0, 12))) for _ in range(2)
        )
        found, theirs = (
            count_errors(reference, hypothesis),
            jiwer.process_words(" ".join(reference), " ".join(hypothesis)),
        )
        assert (found.hits, found.substitutions, found.deletions, found.insertions) == (
            theirs.hits,
            theirs.substitutions,
            theirs.deletions,
            theirs.insertions,
        )
        assert found.rate == pytest.approx(theirs.wer, abs=1e-12)


def test_corpus_rate_is_jiwers_over_all_songs_and_not_the_mean_of_rates() -> None:
    reference, hypothesis = ["a b c d", "e", ""], ["a b c x", "f g", "h"]
    songs = [count_errors(a.split(), b.split()) for a, b in zip(reference, hypothesis, strict=True)]
    estimate = WER.estimate(songs, DRAWS)
    assert estimate.value == pytest.approx(jiwer.wer(reference, hypothesis)) == pytest.approx(4 / 5)
    assert (estimate.n, estimate.n_failed) == (3, 0)
    assert corpus_counts(songs) == ErrorCounts(3, 2, 0, 2)


def test_phones_with_several_letters_are_one_token_each() -> None:
    assert count_errors(["tʃ", "aɪ", "n"], ["tʃ", "a", "n"]) == ErrorCounts(2, 1, 0, 0)


def test_rates_are_not_capped() -> None:
    songs = [ErrorCounts(0, 1, 0, 4), ErrorCounts(2, 0, 0, 0), None]
    assert WER.estimate(songs, DRAWS).value == pytest.approx(5 / 3)


def test_500_random_pairs_have_exactly_jiwers_counts_and_rates() -> None:
    generator = np.random.default_rng(500)
    letters = np.array(list("abcde"))
    reference, hypothesis = (
        [list(generator.choice(letters, generator.integers(least, 20))) for _ in range(500)]
        for least in (1, 0)
    )
    songs = [count_errors(a, b) for a, b in zip(reference, hypothesis, strict=True)]
    for song, a, b in zip(songs, reference, hypothesis, strict=True):
        theirs = jiwer.process_words(" ".join(a), " ".join(b))
        assert song == ErrorCounts(theirs.hits, theirs.substitutions, theirs.deletions, theirs.insertions)
        assert song.rate == theirs.wer
    assert WER.estimate(songs, DRAWS).value == jiwer.wer(
        [" ".join(a) for a in reference], [" ".join(b) for b in hypothesis]
    )


def test_tags_go_and_backing_words_stay() -> None:
    assert normalise(["[Verse", "2]", "Oh-oh", "(hey!)", "don’t", "7", "[Music]"]) == [
        "oh",
        "oh",
        "hey",
        "don't",
        "seven",
    ]


def test_failed_song_is_counted_and_never_a_zero() -> None:
    songs = [ErrorCounts(1, 1, 0, 0), None, ErrorCounts(1, 1, 0, 0)]
    estimate = WER.estimate(songs, DRAWS)
    assert (estimate.value, estimate.n, estimate.n_failed) == (0.5, 2, 1)


def test_songs_without_any_reference_word_have_jiwers_rate() -> None:
    estimate = WER.estimate([ErrorCounts(0, 0, 0, 2), ErrorCounts(0, 0, 0, 0)], DRAWS)
    assert estimate.value == jiwer.process_words(["", ""], ["la la", ""]).wer == 2


def test_paired_difference_uses_only_songs_that_both_have() -> None:
    songs = [ErrorCounts(0, 4, 0, 0), None, ErrorCounts(2, 2, 0, 0)]
    others = [ErrorCounts(4, 0, 0, 0), ErrorCounts(0, 4, 0, 0), ErrorCounts(3, 1, 0, 0)]
    estimate = WER.difference(songs, others, DRAWS)
    assert estimate.value == pytest.approx(6 / 8 - 1 / 8)
    assert (estimate.n, estimate.n_failed) == (2, 1)


def test_normaliser_treats_case_apostrophes_hyphens_and_marks_as_it_says() -> None:
    assert normalise(["Don’t", "WELL-known,", "(hey!)", "'round", "café", "1999", "…"]) == [
        "don't",
        "well",
        "known",
        "hey",
        "round",
        "café",
        "nineteen",
        "ninety",
        "nine",
    ]


def test_token_with_white_space_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"hypothesis\[1\] is 'two words'"):
        count_errors(["one"], ["one", "two words"])
    with pytest.raises(ValueError, match=r"reference\[0\] is ''"):
        count_errors([""], [])
