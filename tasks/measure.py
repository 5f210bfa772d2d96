"""Measure: what the benchmark's stages wrote about every song becomes scores, estimates and comparisons.

A song that a stage dropped has no scores: it counts as failed in every mean and never as a number. What nobody
could hear, as the phones of a transcriber that writes only words, is not measured, which is no failure and no 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.energy import METRICS as ENERGY_METRICS
from eval.frechet import METRICS as FRECHET_METRICS
from eval.frechet import (
    FrechetReference,
    WindowStatistics,
    frechet,
    frechet_difference,
    frechet_floor,
    merged,
    window_statistics,
)
from eval.intervals import Estimate, Resampling, mean, paired_mean_difference
from eval.judge import METRICS as JUDGE_METRICS
from eval.metric import Metric
from eval.similarity import METRICS as SIMILARITY_METRICS
from eval.similarity import style_similarity
from eval.words import METRICS as WORD_METRICS
from eval.words import ErrorCounts, corpus_rate, corpus_rate_difference, count_errors, normalise
from tasks.audio import array_of
from tasks.fanout import Prompt
from tasks.models.phonemizer import Phonemizer

WORD_RATES = tuple(metric.name for metric in WORD_METRICS)
UNHEARD = Estimate(None, None, None, 0, 0, reason="not measured: this transcriber hears no phones")
FRECHET = FRECHET_METRICS[0].name
MEASURES: tuple[Metric, ...] = (
    *WORD_METRICS,
    SIMILARITY_METRICS[0],
    FRECHET_METRICS[0],
    *JUDGE_METRICS,
    *ENERGY_METRICS,
)
MEASURED_COLUMNS = (
    "parent",
    "system",
    "take",
    "transcript",
    "transcript_times",
    "heard_phones",
    "style_embedding",
    "window_embedding",
    "scores",
    "tail_energy",
    "asked_words",
)


@dataclass(frozen=True)
class SongMeasures:
    """All that was measured on one song of one system; empty when a stage dropped it."""

    row: Mapping[str, Any]
    counts: Mapping[str, ErrorCounts] = field(default_factory=dict)  # wer, per, and acoustic_per where heard
    given: Mapping[str, ErrorCounts] = field(
        default_factory=dict
    )  # the same against what it was given to sing
    scores: Mapping[str, float | None] = field(default_factory=dict)
    windows: WindowStatistics | None = None

    @property
    def failed(self) -> str | None:
        """Why it was dropped, or None."""
        return self.row["drop_reason"]


@dataclass(frozen=True)
class Measured:
    """Songs of every system, position by position the same prompts."""

    prompts: Sequence[Prompt]
    systems: Mapping[str, Sequence[SongMeasures]]
    reference: FrechetReference
    resampling: Resampling

    def estimates(self, system: str) -> dict[str, Estimate]:
        """Every metric of this system, by name."""
        return {metric.name: self.estimate(system, metric.name) for metric in MEASURES}

    def estimate(self, system: str, metric: str) -> Estimate:
        """One number with its interval."""
        songs = self.systems[system]
        if self._is_unheard(system, metric):
            return UNHEARD
        if metric in WORD_RATES:
            return corpus_rate([song.counts.get(metric) for song in songs], self.resampling)
        if metric == FRECHET:
            return frechet(self.reference, [song.windows for song in songs])
        scores = [song.scores.get(metric) for song in songs]
        if all(score is None for score in scores) and not any(song.failed for song in songs):
            return Estimate(None, None, None, 0, 0, reason="does not apply to this row")
        return mean(scores, self.resampling)

    def difference(self, left: str, right: str, metric: str, given: bool = False) -> Estimate:
        """Left minus right over the songs both have; `given`: left's words against what it was given to sing."""
        lefts, rights = self.systems[left], self.systems[right]
        if self._is_unheard(left, metric) or self._is_unheard(right, metric):
            return UNHEARD
        if metric in WORD_RATES:
            mine = [(song.given if given else song.counts).get(metric) for song in lefts]
            return corpus_rate_difference(mine, [song.counts.get(metric) for song in rights], self.resampling)
        if metric == FRECHET:
            return frechet_difference(
                self.reference, [song.windows for song in lefts], [song.windows for song in rights]
            )
        return paired_mean_difference(
            [song.scores.get(metric) for song in lefts],
            [song.scores.get(metric) for song in rights],
            self.resampling,
        )

    def _is_unheard(self, system: str, metric: str) -> bool:
        songs = self.systems[system]
        return metric in WORD_RATES and any(metric not in song.counts for song in songs if not song.failed)

    def scores(self, system: str, metric: str) -> list[float | None]:
        """One value a song."""
        return [song.scores.get(metric) for song in self.systems[system]]

    def floor(self, truth: str, seed: int) -> Estimate:
        """The Frechet distance of two halves of the true songs."""
        return frechet_floor([song.windows for song in self.systems[truth] if song.windows], seed)


def measure(
    prompts: Sequence[Prompt],
    rows: Iterable[Mapping[str, Any]],
    reference: FrechetReference,
    phonemizer: Phonemizer,
    resampling: Resampling,
) -> Measured:
    """Score every row against the prompt it was made from.

    Raises:
        ValueError: a system lacks a song of the benchmark.
    """
    by_id = {prompt.song_id: prompt for prompt in prompts}
    phones = {prompt.song_id: phonemizer.phones(prompt.texts) for prompt in prompts}
    systems: dict[str, dict[str, SongMeasures]] = {}
    for row in rows:
        if row["parent"] in by_id:
            prompt = by_id[row["parent"]]
            songs = systems.setdefault(row["system"], {})
            songs[prompt.song_id] = _song_measures(row, prompt, phones[prompt.song_id], phonemizer)
    for name, songs in systems.items():
        lacking = [prompt.song_id for prompt in prompts if prompt.song_id not in songs]
        if lacking:
            raise ValueError(
                f"system {name!r} lacks {len(lacking)} songs of the benchmark, first {lacking[0]}"
            )
    ordered = {name: [songs[prompt.song_id] for prompt in prompts] for name, songs in systems.items()}
    return Measured(prompts, ordered, reference, resampling)


def frechet_reference(rows: Iterable[Mapping[str, Any]]) -> FrechetReference:
    """The windows of all these songs (the kept training songs' true audio)."""
    return FrechetReference(merged(window_statistics(array_of(row["window_embedding"])) for row in rows))


def _song_measures(
    row: Mapping[str, Any], prompt: Prompt, asked_phones: list[str], phonemizer: Phonemizer
) -> SongMeasures:
    if row["drop_reason"]:
        return SongMeasures(row)
    counts = word_counts(row, prompt.texts, asked_phones, phonemizer)
    given_texts = [word["word"] for word in row["asked_words"]]
    given = counts
    if given_texts != prompt.texts:
        given = word_counts(row, given_texts, phonemizer.phones(given_texts), phonemizer)
    style_NS = np.asarray(row["style_embedding"], np.float32)
    scores: dict[str, float | None] = {
        name: counts[name].rate if name in counts else None for name in WORD_RATES
    }
    scores[SIMILARITY_METRICS[0].name] = style_similarity(style_NS, prompt.style_NS).mean
    scores[ENERGY_METRICS[0].name] = row["tail_energy"]
    axes = list(row["scores"])
    scores |= dict(zip([m.name for m in JUDGE_METRICS], [float(np.mean(axes)), *axes], strict=True))
    return SongMeasures(row, counts, given, scores, window_statistics(array_of(row["window_embedding"])))


def word_counts(
    row: Mapping[str, Any], texts: list[str], asked_phones: list[str], phonemizer: Phonemizer
) -> dict[str, ErrorCounts]:
    """Errors of what was heard in a song against `texts`, by metric."""
    heard = list(row["transcript"])
    wer, per, acoustic_per = WORD_RATES
    counts = {
        wer: count_errors(normalise(texts), normalise(heard)),
        per: count_errors(asked_phones, phonemizer.phones(heard)),
    }
    if row["heard_phones"] is not None:
        counts[acoustic_per] = count_errors(asked_phones, list(row["heard_phones"]))
    return counts
