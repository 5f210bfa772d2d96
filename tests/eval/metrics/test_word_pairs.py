"""Words are paired by the fewest edits and, among equals, in time; checked against every alignment there is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jiwer
import numpy as np

from eval.metrics.error_rates import count_errors
from eval.metrics.word_pairs import Timed, mark_words, matched_pairs
from eval.metrics.word_timing import timing_errors


def words(text: str, *starts_s: float) -> list[Timed]:
    return [Timed(word, start_s, start_s + 0.5) for word, start_s in zip(text.split(), starts_s, strict=True)]


def drawn(generator: np.random.Generator, most: int, letters: str) -> list[Timed]:
    starts_s = np.sort(generator.integers(0, 9000, generator.integers(0, most + 1))) / 1000
    return [
        Timed(str(generator.choice(list(letters))), float(start), float(start) + 0.1) for start in starts_s
    ]


def alignments(n: int, m: int) -> Iterator[list[tuple[int, int]]]:
    """Every way to put some of n words opposite some of m, in order."""
    if not n or not m:
        yield []
        return
    yield from alignments(n - 1, m)
    for j in range(m):
        for before in alignments(n - 1, j):
            yield [*before, (n - 1, j)]


def quality(
    reference: list[Timed], hypothesis: list[Timed], pairs: list[tuple[int, int]]
) -> tuple[int, int, int]:
    """Edits, hits (negative), and milliseconds between the hits: less is better."""
    hits = [(i, j) for i, j in pairs if reference[i].word == hypothesis[j].word]
    edits = len(reference) + len(hypothesis) - len(pairs) - len(hits)
    apart = sum(round(1000 * abs(reference[i].start_s - hypothesis[j].start_s)) for i, j in hits)
    return edits, -len(hits), apart


def test_the_repeated_word_that_was_left_out_is_the_one_nobody_sang() -> None:
    reference, sung = words("la la la la", 1, 2, 3, 4), words("la la la", 2, 3, 4)
    assert timing_errors(reference, sung).start_s == (0.0, 0.0, 0.0)
    assert mark_words(reference, sung) == (["missed", "hit", "hit", "hit"], ["hit"] * 3)


def test_no_alignment_is_better_than_the_one_that_is_taken() -> None:
    generator = np.random.default_rng(0)
    for _ in range(400):
        reference, hypothesis = (drawn(generator, 6, "aab") for _ in range(2))
        pairs = [(i, j) for i, j, _ in matched_pairs(reference, hypothesis)]
        best = min(quality(reference, hypothesis, a) for a in alignments(len(reference), len(hypothesis)))
        assert quality(reference, hypothesis, pairs) == best


def test_edits_are_as_many_as_jiwer_counts_and_counts_stay_jiwers() -> None:
    generator = np.random.default_rng(1)
    for _ in range(300):
        reference, hypothesis = (drawn(generator, 30, "abcd") for _ in range(2))
        texts = [[word.word for word in side] for side in (reference, hypothesis)]
        pairs = [(i, j) for i, j, _ in matched_pairs(reference, hypothesis)]
        counts, theirs = count_errors(*texts), jiwer.process_words(*(" ".join(side) for side in texts))
        assert quality(reference, hypothesis, pairs)[0] == counts.errors
        assert (counts.hits, counts.substitutions) == (theirs.hits, theirs.substitutions)


def test_marks_say_what_became_of_every_word() -> None:
    reference = words("i will find the river", 0, 1, 2, 3, 4)
    hypothesis = words("i find a river now", 0, 2, 3, 4, 5)
    assert mark_words(reference, hypothesis) == (
        ["hit", "missed", "hit", "substituted", "hit"],
        ["hit", "hit", "substituted", "hit", "inserted"],
    )
    assert mark_words([], hypothesis[:1]) == ([], ["inserted"])
    assert mark_words(reference[:1], []) == (["missed"], [])


def test_a_late_word_is_still_a_hit() -> None:
    assert [mark for *_, mark in matched_pairs(words("a b", 1, 2), words("b c", 60, 61))] == ["hit"]


def test_a_long_song_takes_no_time() -> None:
    generator = np.random.default_rng(2)
    song = [Timed(str(generator.choice(list("abc"))), 0.4 * n, 0.4 * n + 0.3) for n in range(500)]
    started = time.perf_counter()
    assert len(matched_pairs(song, song[:450])) == 450
    assert time.perf_counter() - started < 2
