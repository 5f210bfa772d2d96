"""Every metric of the catalogue on no song, on one, on two, and on songs that all failed: a value or its reason."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from eval.metrics.controls.adherence import METRICS as ADHERENCE
from eval.metrics.error_rates import ABOVE_ONE, ACOUSTIC_PER, NO_WORDS, PER, WER
from eval.metrics.fad import FAD, FAD_SONG, fad_floor
from eval.metrics.fad_inf import FAD_INF
from eval.metrics.frechet import FrechetReference, window_statistics
from eval.metrics.metric import Corpus, CorpusMetric, Measurable, Unmeasured, known
from eval.metrics.song import Song
from eval.metrics.style_similarity import CANDIDATE_DIVERSITY
from eval.report.catalogue import measured_metrics
from eval.results.comparisons import pair_table
from eval.stats.intervals import Estimate, Resampling
from tests.every import every

DIMENSION = 4
MADE = (
    *(
        "transcript",
        "transcript_phones",
        "style_embedding",
        "scores",
        "judged",
        "tail_energy",
        "loudness_lufs",
    ),
    *("clipped_share", "silence_share", "aligned_transcript"),
    *("pitch_spread", "repeated_share", "beats_s"),
    *(metric.name for metric in ADHERENCE),
)
"""What stages write of a song, None where it failed."""
OF_A_SET = ("song_diversity", "fad_inf")
"""Metrics that one song, or a few, have no value of."""


def windows(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, DIMENSION))


REFERENCE = FrechetReference(window_statistics(windows(99, 400)))
CORPUS = Corpus(Resampling(100, 1), REFERENCE)


def song(number: int) -> Song:
    """A whole one; each is a little unlike the others."""
    words = [
        {"text": text, "start_s": at / 4, "end_s": at / 4 + 0.2}
        for at, text in enumerate(["ab", "cd", "ef"] * 3)
    ]
    heard = [{**word, "start_s": word["start_s"] + 0.01 * number} for word in words]
    style_RS = np.float32([[1.0, number, 0.5]])
    row = {
        "drop_reason": None,
        "reference_words": words,
        "aligned_transcript": heard,
        "transcript": ["ab", "cd", "ef" if number % 2 else "gh"] * 3,
        "transcript_phones": list("abcdef" * 3),
        "style_embedding": style_RS.tolist(),
        "scores": [1.0, 2.0, 3.0, 4.0, 5.0 - number / 10],
        "judged": [{"axis": axis, "score": 6.0 + number} for axis in ("CE", "CU", "PC", "PQ")],
        "tail_energy": 0.01 * number,
        "loudness_lufs": -14.0 - number,
        "clipped_share": 0.0,
        "silence_share": 0.1,
        "pitch_spread": 4.0 + number,
        "repeated_share": 0.1,
        "beats_s": [0.0, 0.5, 1.0, 1.5, 2.0, 2.5],
        **{metric.name: 0.9 - 0.01 * number for metric in ADHERENCE},
    }
    genres = {"pop": np.float32([1, 0, 0]), "folk": np.float32([0, 1, 0])}
    return Song(
        row,
        texts=["ab", "cd", "ef"] * 3,
        phones=list("abcdef" * 3),
        transcript_phones=list("abcdefg" * 3),
        style_RS=style_RS,
        text_S=np.float32([1, 0, 0]),
        genre="pop",
        genres=genres,
        windows_WD=windows(number, 30),
        reference=REFERENCE,
    )


def failed(number: int) -> Song:
    whole = song(number)
    row = {**whole.row, **dict.fromkeys(MADE), "drop_reason": "missing"}
    return Song(
        row, texts=whole.texts, phones=whole.phones, genre="pop", genres=whole.genres, reference=REFERENCE
    )


def values_of(metric: Measurable, songs: list[Song]) -> list[Any]:
    """What is taken of each; two candidates of a prompt where one alone has no value."""
    if metric is CANDIDATE_DIVERSITY:
        return [metric.of_candidates([one, one if one.failed else song(7)]) for one in songs]
    return [known(metric.measure(one)) for one in songs]


def sets(count: int) -> Iterator[tuple[list[Song], list[Song]]]:
    """Two systems of as many songs: none failed, all failed, the last of one failed, different ones failed."""
    whole, others = [song(n) for n in range(count)], [song(n + 10) for n in range(count)]
    lost = [failed(n) for n in range(count)]
    yield whole, others
    yield lost, lost
    if count:
        yield [*whole[:-1], lost[-1]], others
        yield [*whole[:-1], lost[-1]], [lost[0], *others[1:]]


def hold(estimate: Estimate, count: int, common: int | None = None) -> None:
    """An estimate that a report can show: null with its reason and n = 0, or a finite value; never NaN."""
    json.dumps(asdict(estimate), allow_nan=False)
    assert estimate.n + estimate.n_failed == count, estimate
    if common is not None:
        assert estimate.n == common, estimate
    if estimate.value is None:
        assert estimate.reason and estimate.low is None and estimate.high is None
    else:
        assert estimate.n > 0 and math.isfinite(estimate.value)
    if estimate.low is None:
        assert estimate.reason, "no interval without its reason"
    if estimate.n < 2:
        assert estimate.low is None and estimate.high is None


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """A division by 0 is no value: every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@every("count", [0, 1, 2, 3])
@every("metric", measured_metrics(), ids=lambda metric: metric.name)
def test_few_songs_give_an_estimate_or_its_reason(metric: Measurable, count: int) -> None:
    for mine, _ in sets(count):
        values = values_of(metric, mine)
        present = sum(value is not None for value in values)
        assert present == sum(not one.failed for one in mine), "a song that did not fail has a value"
        estimate = metric.estimate(values, CORPUS)
        hold(estimate, count, present)
        if present == 0:
            assert estimate.value is None
        elif metric.name not in OF_A_SET:
            assert estimate.value is not None, estimate.reason


@every("count", [0, 1, 2, 3])
@every("metric", measured_metrics(), ids=lambda metric: metric.name)
def test_few_songs_give_a_difference_and_a_test_or_the_reason(metric: Measurable, count: int) -> None:
    testing, method = metric.testing(CORPUS, 1)
    assert method
    for mine, theirs in sets(count):
        values, others = values_of(metric, mine), values_of(metric, theirs)
        common = sum(a is not None and b is not None for a, b in zip(values, others, strict=True))
        difference = metric.difference(values, others, CORPUS)
        if metric is not FAD_INF:
            hold(difference, count, common)
        if common == 0:
            assert difference.value is None and difference.reason
        p_values = [metric.p_value(values, others, testing)]
        if metric.direction == "lower" or not isinstance(metric, CorpusMetric):
            p_values.append(metric.worse_p_value(values, others, testing, 0.1))
        for p_value in p_values:
            assert p_value is None or (common > 0 and 0 < p_value <= 1)
        if difference.value is None:
            assert p_values[0] is None, "what has no difference has no test of one"
        detectable = metric.detectable(values, others, difference)
        assert detectable is None or (common > 1 and math.isfinite(detectable))


@every("metric", measured_metrics(), ids=lambda metric: metric.name)
def test_table_of_pairs_stands_on_songs_that_both_have(metric: Measurable) -> None:
    for count in (0, 1, 2):
        for mine, theirs in sets(count):
            columns = {"a": values_of(metric, mine), "b": values_of(metric, theirs)}
            common = sum(a is not None and b is not None for a, b in zip(*columns.values(), strict=True))
            table = pair_table(metric, columns, CORPUS)
            assert table is None or common > 0
            for pair in table.pairs if table else ():
                hold(pair.estimate, count, common)
                assert not pair.significant, "one or two songs tell nothing apart"


@every("metric", measured_metrics(), ids=lambda metric: metric.name)
def test_prompt_of_which_every_candidate_failed_has_no_value(metric: Measurable) -> None:
    assert metric.of_candidates([]) is None
    assert metric.of_candidates([failed(0), failed(1)]) is None


@pytest.mark.parametrize("metric", [FAD, FAD_INF, FAD_SONG], ids=lambda metric: metric.name)
def test_reference_of_no_song_or_one_window_gives_no_distance(metric: Measurable) -> None:
    one = FrechetReference(window_statistics(windows(5, 1)))
    for reference in (None, one):
        songs = [Song(song(n).row, windows_WD=windows(n, 30), reference=reference) for n in range(3)]
        taken = [metric.measure(each) for each in songs]
        estimate = metric.estimate([known(value) for value in taken], Corpus(Resampling(100, 1), reference))
        assert estimate.value is None and estimate.reason
        if metric is FAD_SONG:
            assert all(isinstance(value, Unmeasured) and "reference" in value.reason for value in taken)


@every("metric", measured_metrics(), ids=lambda metric: metric.name)
def test_song_in_which_nothing_was_asked_or_heard_is_no_error(metric: Measurable) -> None:
    silent = {"transcript": [], "transcript_phones": [], "aligned_transcript": []}
    deaf = replace(song(0), row={**song(0).row, **silent}, transcript_phones=[])
    wordless = replace(song(1), row={**song(1).row, "reference_words": []}, texts=[], phones=[])
    if metric.name in (WER.name, PER.name, ACOUSTIC_PER.name, ABOVE_ONE.name):
        assert metric.measure(replace(wordless, words_asked=False)) == NO_WORDS
    for mine, theirs in (([deaf], [song(2)]), ([wordless], [deaf]), ([deaf, song(2)], [wordless, deaf])):
        values, others = values_of(metric, mine), values_of(metric, theirs)
        hold(metric.estimate(values, CORPUS), len(values))
        difference = metric.difference(values, others, CORPUS)
        if metric is not FAD_INF:
            hold(difference, len(values))
        p_value = metric.p_value(values, others, CORPUS)
        assert p_value is None or (difference.value is not None and 0 < p_value <= 1)


def test_floor_of_too_few_true_songs_is_a_reason() -> None:
    for true_songs in ([], [window_statistics(windows(1, 30))]):
        for num_songs in (0, 1, 2):
            floor = fad_floor(true_songs, num_songs, seed=1)
            assert floor.value is None and floor.reason and floor.n <= num_songs
