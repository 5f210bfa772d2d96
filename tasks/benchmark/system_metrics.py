"""Measured systems (`Measured`): corpus and mean estimates, differences, pair tables and failures of all their songs; windows of references.

A missing score counts as failed in its mean and never as a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eval.metrics.fad import FAD, NO_REFERENCE, fad_floor
from eval.metrics.frechet import FrechetReference, WindowStatistics, merged, window_statistics
from eval.metrics.metric import Corpus, CorpusMetric, Measurable, Unmeasured, Values, known
from eval.report.catalogue import measured_metrics
from eval.results.comparisons import PairTable, pair_table
from eval.stats.intervals import Estimate, Resampling
from tasks.audio.read import array_of
from tasks.benchmark.song_metrics import Ruler, SongMeasures, TextStyles
from tasks.models.phonemizer import Phonemizer, for_song
from tasks.prompts.prompts import Prompt

OTHER = "does not apply to this row"


@dataclass(frozen=True)
class Measured:
    """Songs of every system, position by position the same prompts.

    `corpus`: without reference songs there is no FAD. `reference_songs` are their own windows.
    """

    prompts: Sequence[Prompt]
    systems: Mapping[str, Sequence[SongMeasures]]
    corpus: Corpus
    reference_songs: Sequence[WindowStatistics]

    @cached_property
    def metrics(self) -> tuple[Measurable, ...]:
        """Those of this benchmark: a text, a genre or a second judge is measured only where there is one."""
        songs = [song for songs in self.systems.values() for song in songs]
        return tuple(
            metric
            for metric in measured_metrics()
            if not metric.optional or any(song.value(metric.name) is not None for song in songs)
        )

    def metric(self, name: str) -> Measurable:
        """The metric of this name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def columns(self, metric: Measurable) -> dict[str, Values]:
        """The values of every system, one a song; None where there is none."""
        columns: dict[str, Values] = {
            name: [song.value(metric.name) for song in songs] for name, songs in self.systems.items()
        }
        if not isinstance(metric, CorpusMetric) or not metric.in_common:
            return columns
        kept = _in_all(columns) or [False] * len(self.prompts)
        return {
            name: [value if keep else None for value, keep in zip(values, kept, strict=True)]
            for name, values in columns.items()
        }

    def unmeasured(self, metric: Measurable, *systems: str) -> str:
        """Why nobody could measure this on any song of these systems; empty where somebody could."""
        values = [song.values[metric.name] for system in systems for song in self.systems[system]]
        reasons = [value.reason for value in values if isinstance(value, Unmeasured)]
        return reasons[0] if reasons and all(known(value) is None for value in values) else ""

    def estimates(self, system: str) -> dict[str, Estimate]:
        """Every metric of this system, by name."""
        return {metric.name: self.estimate(system, metric.name) for metric in self.metrics}

    def estimate(self, system: str, name: str) -> Estimate:
        """One number with its interval."""
        metric, songs = self.metric(name), self.systems[system]
        reason = self.unmeasured(metric, system)
        if not reason and not any(song.failed or song.value(name) is not None for song in songs):
            reason = OTHER
        if reason:
            return Estimate(None, None, None, 0, 0, reason=reason)
        return metric.estimate(self.columns(metric)[system], self.corpus)

    def difference(self, left: str, right: str, name: str, given: bool = False) -> Estimate:
        """Left minus right over the songs both have; `given`: left's words against what it was given."""
        metric = self.metric(name)
        if reason := self.unmeasured(metric, left, right):
            return Estimate(None, None, None, 0, 0, reason=reason)
        columns = self.columns(metric)
        values = (
            [known(metric.measure(song.given)) for song in self.systems[left]] if given else columns[left]
        )
        return metric.difference(values, columns[right], self.corpus)

    def pair_tables(self, systems: Sequence[str]) -> list[PairTable]:
        """Every two of these systems by every metric that any two can be compared on."""
        found = []
        for metric in self.metrics:
            columns = self.columns(metric)
            table = pair_table(metric, {name: columns[name] for name in systems}, self.corpus)
            found += [table] if table else []
        return found

    def floor(self, seed: int) -> Estimate:
        """FAD of as many true songs as the systems have, drawn from the reference, to the others."""
        if self.corpus.reference is None:
            return NO_REFERENCE
        return fad_floor(self.reference_songs, sum(_in_all(self.columns(FAD))), seed)

    def failures(self, system: str) -> dict[str, int]:
        """How many songs stages dropped, by reason."""
        return dict(sorted(Counter(song.failed for song in self.systems[system] if song.failed).items()))


def measure(
    prompts: Sequence[Prompt],
    rows: Iterable[Mapping[str, Any]],
    reference_songs: Sequence[WindowStatistics],
    phonemizer: Phonemizer,
    texts: TextStyles,
    resampling: Resampling,
) -> Measured:
    """Score every row against the prompt it was made from.

    Raises:
        ValueError: a system lacks a song of the benchmark.
    """
    reference = FrechetReference(merged(reference_songs)) if reference_songs else None
    ruler = Ruler(phonemizer, reference, texts, any(prompt.words for prompt in prompts))
    by_id = {prompt.song_id: prompt for prompt in prompts}
    phones = {one.song_id: for_song(phonemizer, one.language).phones(one.texts) for one in prompts}
    systems: dict[str, dict[str, SongMeasures]] = {}
    for row in rows:
        if row["parent"] in by_id:
            prompt = by_id[row["parent"]]
            songs = systems.setdefault(row["system"], {})
            songs[prompt.song_id] = ruler.measures(row, prompt, phones[prompt.song_id])
    for name, songs in systems.items():
        lacking = [prompt.song_id for prompt in prompts if prompt.song_id not in songs]
        if lacking:
            raise ValueError(
                f"system {name!r} lacks {len(lacking)} songs of the benchmark, first {lacking[0]}"
            )
    ordered = {name: [songs[prompt.song_id] for prompt in prompts] for name, songs in systems.items()}
    return Measured(prompts, ordered, Corpus(resampling, reference), reference_songs)


def windows_of(rows: Iterable[Mapping[str, Any]]) -> list[WindowStatistics]:
    """The windows of each of these songs (a reference set's true audio)."""
    return [window_statistics(array_of(row["window_embedding"])) for row in rows]


def _in_all(columns: Mapping[str, Values]) -> list[bool]:
    """Which songs every system has a value of (a system without any is left aside): equal n for all."""
    have = [[value is not None for value in values] for values in columns.values()]
    return [all(column) for column in zip(*(row for row in have if any(row)), strict=True)]
