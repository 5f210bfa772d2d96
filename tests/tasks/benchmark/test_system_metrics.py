"""What the stages wrote becomes numbers; a dropped song never becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from eval.metrics.error_rates import ACOUSTIC_PER
from eval.stats.intervals import Resampling
from jam_model.words import Word, rows_of
from tasks.audio.read import npy_bytes
from tasks.benchmark.song_metrics import TextStyles
from tasks.benchmark.system_metrics import Measured, measure, windows_of
from tasks.prompts.prompts import Prompt
from tests.every import every
from tests.tasks.tiny import timed

RESAMPLING = Resampling(200, 1)
TEXTS = TextStyles({"s1": np.float32([0, 1])}, {"pop": np.float32([0.6, 0.8]), "folk": np.float32([1, 0])})


class Letters:
    """A phonemizer for which every letter is a phone."""

    def phones(self, words: Sequence[str]) -> list[str]:
        return [letter for word in words for letter in word]


def prompt(song_id: str) -> Prompt:
    words = tuple(Word(w, float(i), i + 0.5, w) for i, w in enumerate(("ab", "cd")))
    return Prompt(song_id, "title", words, np.float32([[1, 0]]), 3.0, None, genre="pop")


def windows(seed: int, count: int = 40) -> bytes:
    return npy_bytes(np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32))


def row(
    parent: str,
    system: str,
    hypothesis: list[str],
    phones: str,
    drop_reason: str | None = None,
    **changes: object,
) -> dict:
    made = {
        "song_id": f"{parent}-{system}",
        "parent": parent,
        "system": system,
        "drop_reason": drop_reason,
        "made_by": ["score-v1 embedded/x@1"],
        "transcript": hypothesis,
        "transcript_phones": list(phones),
        "style_embedding": [[0.6, 0.8]],
        "window_embedding": windows(len(parent)),
        "scores": [1.0, 2.0, 3.0, 4.0, 5.0],
        "tail_energy": 0.01,
        "reference_words": rows_of(prompt(parent).words),
        "aligned_transcript": timed(*((w, i + 0.02, i + 0.6) for i, w in enumerate(hypothesis))),
        "loudness_lufs": -14.0,
        "clipped_share": 0.0,
        "silence_share": 0.1,
    }
    if drop_reason:
        made |= dict.fromkeys(
            (
                *(
                    "transcript",
                    "transcript_phones",
                    "aligned_transcript",
                    "style_embedding",
                    "window_embedding",
                    "scores",
                ),
                *("tail_energy", "loudness_lufs", "clipped_share", "silence_share"),
            )
        )
    return {**made, **changes}


def measured(rows: list[dict]) -> Measured:
    prompts = [prompt("s1"), prompt("s22")]
    reference = windows_of([{"window_embedding": windows(9, 400)}])
    return measure(prompts, rows, reference, Letters(), TEXTS, RESAMPLING)  # type: ignore[arg-type]


def test_rates_are_counted_over_the_corpus() -> None:
    found = measured([row("s1", "a", ["ab", "cd"], "abcd"), row("s22", "a", ["ab"], "abx")])
    assert found.estimate("a", "wer").value == pytest.approx(1 / 4)
    assert found.estimate("a", "per").value == pytest.approx(2 / 8)
    assert found.estimate("a", "acoustic_per").value == pytest.approx(2 / 8)
    assert found.estimate("a", "style_similarity").value == pytest.approx(0.6)
    assert found.estimate("a", "judge_mean").value == pytest.approx(3.0)
    assert found.estimate("a", "fad").value is not None


def test_dropped_song_is_failed_and_never_a_number() -> None:
    found = measured([row("s1", "a", ["ab", "cd"], "abcd"), row("s22", "a", [], "", drop_reason="timed_out")])
    for metric in ("wer", "judge_mean", "energy_after_end"):
        estimate = found.estimate("a", metric)
        assert (estimate.n, estimate.n_failed) == (1, 1)


def test_score_that_does_not_apply_is_no_failure() -> None:
    rows = [row(parent, "truth", ["ab", "cd"], "abcd", tail_energy=None) for parent in ("s1", "s22")]
    estimate = measured(rows).estimate("truth", "energy_after_end")
    assert (estimate.value, estimate.n_failed) == (None, 0) and estimate.reason


def test_phones_that_no_transcriber_hears_are_not_measured_and_no_zero() -> None:
    rows = [row(parent, "a", ["ab", "cd"], "", transcript_phones=None) for parent in ("s1", "s22")]
    rows += [
        row("s1", "b", ["ab"], "", transcript_phones=None),
        row("s22", "b", [], "", drop_reason="timed_out"),
    ]
    found = measured(rows)
    for estimate in (
        found.estimate("a", "acoustic_per"),
        found.estimate("b", "acoustic_per"),
        found.difference("a", "b", "acoustic_per"),
    ):
        assert (estimate.value, estimate.n_failed) == (None, 0) and "writes no phones" in estimate.reason
    assert found.columns(ACOUSTIC_PER)["a"] == [None, None]
    assert found.estimate("a", "per").value == 0.0 and found.estimate("b", "per").n_failed == 1


def test_dealt_words_are_scored_against_both_orders() -> None:
    dealt = timed(("cd", 0.0, 0.5), ("ab", 1.0, 1.5))
    rows = [row(p, "a", ["ab", "cd"], "abcd") for p in ("s1", "s22")]
    rows += [row(p, "dealt", ["cd", "ab"], "cdab", reference_words=dealt) for p in ("s1", "s22")]
    found = measured(rows)
    assert found.difference("dealt", "a", "acoustic_per").value == pytest.approx(1.0)
    assert found.difference("dealt", "a", "acoustic_per", given=True).value == pytest.approx(0.0)


def test_system_without_a_benchmark_song_is_an_error() -> None:
    with pytest.raises(ValueError, match="'a' lacks 1 songs"):
        measured([row("s1", "a", ["ab"], "ab")])


def test_song_that_only_the_judge_dropped_keeps_its_words() -> None:
    found = measured(
        [
            row("s1", "a", ["ab", "cd"], "abcd"),
            {**row("s22", "a", ["ab"], "ab"), "drop_reason": "judge_failed", "scores": None},
        ]
    )
    assert found.estimate("a", "wer").n_failed == 0
    assert (found.estimate("a", "judge_mean").n, found.estimate("a", "judge_mean").n_failed) == (1, 1)
    assert found.systems["a"][1].reason("judge_mean") == "judge_failed"
    assert found.systems["a"][1].reason("wer") is None
    assert found.failures("a") == {"judge_failed": 1}


def test_words_are_timed_where_they_were_heard_and_matched() -> None:
    found = measured([row("s1", "a", ["ab", "cd"], "abcd"), row("s22", "a", ["ab", "xx"], "abxx")])
    start, end = found.estimate("a", "word_start_median"), found.estimate("a", "word_end_p90")
    assert (start.value, start.n, start.unit) == (pytest.approx(0.02), 2, "s")
    assert end.value == pytest.approx(0.1)
    assert found.estimate("a", "matched_share").value == pytest.approx(3 / 4)
    assert found.estimate("a", "onset_f1").value == pytest.approx(1.0)


def test_words_nobody_gave_times_are_not_timed() -> None:
    prompts = [replace(prompt("s1"), is_timed=False)]
    found = measure(prompts, [row("s1", "a", ["ab"], "ab")], [], Letters(), TEXTS, RESAMPLING)  # type: ignore[arg-type]
    assert "no word times" in found.estimate("a", "word_start_median").reason
    assert "no reference" in found.estimate("a", "fad").reason
    assert {table.metric for table in found.pair_tables(["a", "a"])} & {
        "fad",
        "word_start_median",
    } == set()


def test_text_and_genre_are_measured_where_they_can_be() -> None:
    found = measured([row("s1", "a", ["ab"], "ab"), row("s22", "a", ["ab"], "ab")])
    assert found.estimate("a", "genre_accuracy").value == 1.0
    text = found.estimate("a", "text_similarity")
    assert (text.value, text.n) == (pytest.approx(0.8), 1)
    assert "audiobox_quality" not in {metric.name for metric in found.metrics}


def test_every_system_has_the_frechet_distance_of_the_same_songs() -> None:
    rows = [row(parent, "a", ["ab"], "ab") for parent in ("s1", "s22")]
    rows += [row("s1", "b", ["ab"], "ab"), row("s22", "b", [], "", drop_reason="missing")]
    found = measured(rows)
    assert found.estimate("a", "fad").n == found.estimate("b", "fad").n == 1
    assert found.estimate("a", "fad_song").n == 2


def test_every_metric_has_an_estimate_and_a_difference() -> None:
    systems = ("a", "b")
    found = measured([row(p, s, ["ab", "cd"], "abcd") for p in ("s1", "s22") for s in systems])
    assert set(found.estimates("a")) == {metric.name for metric in found.metrics}
    for metric in found.metrics:
        difference = found.difference("a", "b", metric.name)
        assert difference.value == pytest.approx(0.0) if difference.value is not None else difference.reason


@every("lost", [[], ["a"], ["b"], ["a", "b"]], ids=str)
@every("songs", [[], ["s1"], ["s1", "s22"]], ids=len)
def test_benchmark_of_few_songs_or_of_failed_ones_has_a_report(songs: list[str], lost: list[str]) -> None:
    rows = [
        row(song_id, system, [], "", drop_reason="missing")
        if system in lost
        else row(song_id, system, ["ab", "cd"], "abcd")
        for system in ("a", "b")
        for song_id in songs
    ]
    prompts = [prompt(song_id) for song_id in songs]
    reference = windows_of([{"window_embedding": windows(9, 400)}])
    found = measure(prompts, rows, reference, Letters(), TEXTS, RESAMPLING)  # type: ignore[arg-type]
    for system, estimates in ((name, found.estimates(name)) for name in found.systems):
        for name, estimate in estimates.items():
            assert (estimate.value is None) <= bool(estimate.reason), name
            assert estimate.value is None or system not in lost, f"{name} of songs that all failed"
    for table in found.pair_tables(list(found.systems)):
        assert not lost and all(not pair.significant for pair in table.pairs)
    assert found.floor(1).value is not None or found.floor(1).reason
