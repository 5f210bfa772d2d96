"""The lyrics-alignment metrics are mir_eval's, and stay away from songs with missing words."""

from __future__ import annotations

from typing import Any

import mir_eval
import numpy as np
import pytest

from eval.metrics.lyrics_alignment import (
    AAE_MEAN,
    AAE_MEDIAN,
    NOT_ALL_WORDS,
    PCO,
    PCS,
    absolute_error,
    percentage_correct,
    percentage_correct_segments,
)
from eval.metrics.song import Song
from tests.every import every


def rows(text: str, *starts_s: float) -> list[dict[str, Any]]:
    return [
        {"text": word, "start_s": start_s, "end_s": start_s + 0.2}
        for word, start_s in zip(text.split(), starts_s, strict=True)
    ]


def song(reference: list[dict[str, Any]], placed: list[dict[str, Any]] | None, is_timed: bool = True) -> Song:
    return Song(
        {"reference_words": reference, "aligned_transcript": placed, "drop_reason": None}, is_timed=is_timed
    )


@every("seed", range(60))
def test_values_are_mir_evals(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = int(generator.integers(2, 40))
    reference_N, estimated_N = (np.sort(generator.uniform(0, 20, count)) for _ in range(2))
    if seed % 3 == 0:  # near misses, of which some lie on the edge of the window
        steps_N = generator.choice([-0.3, -0.1, 0, 0.1, 0.25], count)
        estimated_N = np.maximum.accumulate(np.maximum(reference_N + steps_N, 0))
    theirs = mir_eval.alignment
    median, mean = theirs.absolute_error(reference_N, estimated_N)
    assert absolute_error(reference_N, estimated_N) == (mean, median)
    assert percentage_correct(reference_N, estimated_N) == theirs.percentage_correct(reference_N, estimated_N)
    assert percentage_correct_segments(reference_N, estimated_N) == theirs.percentage_correct_segments(
        reference_N, estimated_N
    )


def test_values_are_what_a_hand_counts() -> None:
    reference, placed = rows("we will sing", 1, 2, 4), rows("we will sing", 1.1, 2.5, 4)
    one = song(reference, placed)
    assert AAE_MEAN.measure(one) == pytest.approx(0.2) and AAE_MEDIAN.measure(one) == pytest.approx(0.1)
    assert PCO.measure(one) == pytest.approx(2 / 3)
    assert PCS.measure(one) == pytest.approx((0.9 + 1.5) / 3)


def test_a_song_with_missing_or_other_words_is_not_measured_and_no_zero() -> None:
    reference = rows("we will sing", 1, 2, 4)
    for placed in (
        rows("we sing", 1, 4),
        rows("we will fall", 1, 2, 4),
        rows("we will sing now", 1, 2, 4, 5),
    ):
        assert PCO.measure(song(reference, placed)) is NOT_ALL_WORDS
    assert PCO.measure(song(reference, None)) is None
    assert "no word times" in PCO.measure(song(reference, reference, is_timed=False)).reason
    assert PCS.measure(song(rows("we", 1), rows("we", 1))) is None


@every(
    ("reference_s", "estimated_s", "message"),
    [
        ([], [], "reference is .*at least one word"),
        ([1.0], [[1.0]], "estimated is"),
        ([2.0, 1.0], [1.0, 2.0], "reference is not in order"),
        ([1.0, 2.0], [-1.0, 2.0], "estimated is not in order from 0 s"),
        ([1.0, 2.0], [1.0], "align the same words"),
    ],
)
def test_what_is_no_alignment_is_refused(reference_s: Any, estimated_s: Any, message: str) -> None:
    for formula in (absolute_error, percentage_correct, percentage_correct_segments):
        with pytest.raises(ValueError, match=message):
            formula(reference_s, estimated_s)
