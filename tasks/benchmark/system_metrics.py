"""Measure: what the benchmark's stages wrote about every song becomes estimates and comparisons of systems.

A missing score counts as failed in its mean and never as a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eval.metrics.aesthetics import METRICS as JUDGE_METRICS
from eval.metrics.aesthetics import SECOND_METRICS
from eval.metrics.catalogue import in_order
from eval.metrics.diversity import diversity, diversity_difference, swapped_diversity_difference
from eval.metrics.error_rates import ABOVE_ONE, ErrorCounts, corpus_rate, corpus_rate_difference
from eval.metrics.fad import frechet, frechet_difference, frechet_floor, frechet_infinity, swapped_difference
from eval.metrics.frechet import FrechetReference, WindowStatistics, merged, window_statistics
from eval.metrics.metric import Metric
from eval.metrics.word_timing import METRICS as TIMING_METRICS
from eval.metrics.word_timing import (
    Edge,
    TimingErrors,
    Which,
    matched_share,
    swapped_timing_difference,
    timing_difference,
    timing_estimate,
)
from eval.stats.intervals import Estimate, Resampling, mean, paired_mean_difference, paired_rate_difference
from eval.stats.significance import paired_rate_p_value, sequential_p_value
from tasks.audio.read import array_of
from tasks.benchmark.song_metrics import (
    DIVERSITY,
    FRECHET,
    FRECHET_INFINITY,
    FRECHET_SONG,
    GENRE,
    ONSET_F1,
    SOUND,
    STYLE,
    TAIL,
    TEXT_STYLE,
    WORD_RATES,
    Ruler,
    SongMeasures,
    TextStyles,
)
from tasks.models.phonemizer import Phonemizer
from tasks.prompts.prompts import Prompt

UNHEARD = Estimate(None, None, None, 0, 0, reason="not measured: this transcriber hears no phones")
NO_REFERENCE = Estimate(None, None, None, 0, 0, reason="not measured: no reference songs were given")
NOT_COMPARED = Estimate(None, None, None, 0, 0, reason="not compared: an extrapolation has no interval")
NOT_ASKED = Estimate(None, None, None, 0, 0, reason="not measured: no word times were asked for")
OTHER = Estimate(None, None, None, 0, 0, reason="does not apply to this row")
QUANTILES: dict[str, tuple[Edge, Which]] = {
    f"word_{edge}_{which}": (edge, which) for edge in ("start", "end") for which in ("median", "p90")
}  # type: ignore[misc]
MATCHED = TIMING_METRICS[-1].name
OF_SETS = (FRECHET, FRECHET_INFINITY, DIVERSITY, *QUANTILES, MATCHED)
"""What one song alone does not have."""
ALWAYS = (
    *(
        *WORD_RATES,
        ABOVE_ONE.name,
        *QUANTILES,
        MATCHED,
        ONSET_F1,
        STYLE,
        FRECHET,
        FRECHET_INFINITY,
        FRECHET_SONG,
    ),
    *(DIVERSITY, *(metric.name for metric in JUDGE_METRICS), TAIL, *SOUND),
)


@dataclass(frozen=True)
class Measured:
    """Songs of every system, position by position the same prompts; no reference: no Frechet distance.

    `reference_songs` are the reference set's own songs.
    """

    prompts: Sequence[Prompt]
    systems: Mapping[str, Sequence[SongMeasures]]
    reference: FrechetReference | None
    reference_songs: Sequence[WindowStatistics]
    resampling: Resampling

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """Those of this benchmark: a text, a genre or a second judge is measured only where there is one."""
        optional = (TEXT_STYLE, GENRE, *(metric.name for metric in SECOND_METRICS))
        found = {name for songs in self.systems.values() for song in songs for name in song.scores}
        return in_order({*ALWAYS, *(name for name in optional if name in found)})

    @cached_property
    def _in_all(self) -> list[bool]:
        """Which songs every system has windows of (a system without any is left aside): equal n for all."""
        have = [[song.windows is not None for song in songs] for songs in self.systems.values()]
        return [all(column) for column in zip(*(row for row in have if any(row)), strict=True)]

    def windows(self, system: str) -> list[WindowStatistics | None]:
        """Of the songs that all systems have."""
        kept = self._in_all or [False] * len(self.prompts)
        return [s.windows if keep else None for s, keep in zip(self.systems[system], kept, strict=True)]

    def counts(self, system: str, metric: str) -> list[ErrorCounts | None]:
        """Of a word rate, one a song."""
        return [song.counts.get(metric) for song in self.systems[system]]

    def scores(self, system: str, metric: str) -> list[float | None]:
        """One value a song."""
        return [song.scores.get(metric) for song in self.systems[system]]

    def estimates(self, system: str) -> dict[str, Estimate]:
        """Every metric of this system, by name."""
        return {metric.name: self.estimate(system, metric.name) for metric in self.metrics}

    def estimate(self, system: str, metric: str) -> Estimate:
        """One number with its interval."""
        if (unknown := self._unmeasured(metric, system)) is not None:
            return unknown
        songs = self.systems[system]
        timing = [song.timing for song in songs]
        if metric in WORD_RATES:
            return corpus_rate(self.counts(system, metric), self.resampling)
        if metric in QUANTILES:
            return timing_estimate(timing, *QUANTILES[metric], self.resampling)
        if metric == MATCHED:
            return matched_share(timing, self.resampling)
        if metric == DIVERSITY:
            return diversity([song.style_S for song in songs])
        if metric == FRECHET and self.reference is not None:
            return frechet(self.reference, self.windows(system))
        if metric == FRECHET_INFINITY and self.reference is not None:
            return frechet_infinity(self.reference, self.windows(system), self.resampling.seed)
        scores = self.scores(system, metric)
        if all(score is None for score in scores) and not any(song.failed for song in songs):
            return OTHER
        return mean(scores, self.resampling)

    def difference(self, left: str, right: str, metric: str, given: bool = False) -> Estimate:
        """Left minus right over the songs both have; `given`: left's words against what it was given to sing."""
        if (unknown := self._unmeasured(metric, left, right)) is not None:
            return unknown
        lefts, rights = self.systems[left], self.systems[right]
        times, others = [song.timing for song in lefts], [song.timing for song in rights]
        if metric in WORD_RATES:
            mine = [(song.given if given else song.counts).get(metric) for song in lefts]
            return corpus_rate_difference(mine, self.counts(right, metric), self.resampling)
        if metric in QUANTILES:
            return timing_difference(times, others, *QUANTILES[metric], self.resampling)
        if metric == MATCHED:
            matched, asked = _matched(times), _asked(times)
            return paired_rate_difference(matched, asked, _matched(others), _asked(others), self.resampling)
        if metric == DIVERSITY:
            return diversity_difference([song.style_S for song in lefts], [song.style_S for song in rights])
        if metric == FRECHET and self.reference is not None:
            return frechet_difference(self.reference, self.windows(left), self.windows(right))
        if metric == FRECHET_INFINITY:
            return NOT_COMPARED
        return paired_mean_difference(self.scores(left, metric), self.scores(right, metric), self.resampling)

    def p_value(self, left: str, right: str, metric: str, draws: Resampling) -> float | None:
        """Of no difference in what one song alone does not have, by swapping systems within songs.

        None where there is nothing to compare. Draws end early where enough were as far out.
        """
        if self.difference(left, right, metric).value is None:
            return None
        lefts, rights = self.systems[left], self.systems[right]
        if metric == FRECHET and self.reference is not None:
            swaps = swapped_difference(self.reference, self.windows(left), self.windows(right))
        elif metric == DIVERSITY:
            swaps = swapped_diversity_difference(
                [song.style_S for song in lefts], [song.style_S for song in rights]
            )
        else:
            times, others = [song.timing for song in lefts], [song.timing for song in rights]
            if metric == MATCHED:
                return paired_rate_p_value(
                    _matched(times), _asked(times), _matched(others), _asked(others), draws
                )
            swaps = swapped_timing_difference(times, others, *QUANTILES[metric])
        return sequential_p_value(*swaps, draws)

    def floor(self, seed: int) -> Estimate:
        """The Frechet distance of as many true songs as the systems have, drawn from the reference, to the others."""
        return (
            NO_REFERENCE
            if self.reference is None
            else frechet_floor(self.reference_songs, sum(self._in_all), seed)
        )

    def failures(self, system: str) -> dict[str, int]:
        """How many songs stages dropped, by reason."""
        return dict(sorted(Counter(song.failed for song in self.systems[system] if song.failed).items()))

    def _unmeasured(self, metric: str, *systems: str) -> Estimate | None:
        """Why nobody could measure this; None where somebody could."""
        if metric.startswith("frechet") and self.reference is None:
            return NO_REFERENCE
        if metric in (*QUANTILES, MATCHED, ONSET_F1) and not any(prompt.is_timed for prompt in self.prompts):
            return NOT_ASKED
        songs = [song for system in systems for song in self.systems[system]]
        if metric in WORD_RATES and any(song.counts and metric not in song.counts for song in songs):
            return UNHEARD
        return None


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
    ruler = Ruler(phonemizer, reference, texts)
    by_id = {prompt.song_id: prompt for prompt in prompts}
    phones = {prompt.song_id: phonemizer.phones(prompt.texts) for prompt in prompts}
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
    return Measured(prompts, ordered, reference, reference_songs, resampling)


def windows_of(rows: Iterable[Mapping[str, Any]]) -> list[WindowStatistics]:
    """The windows of each of these songs (a reference set's true audio)."""
    return [window_statistics(array_of(row["window_embedding"])) for row in rows]


def _matched(songs: Sequence[TimingErrors | None]) -> list[float | None]:
    return [None if song is None else song.num_matched for song in songs]


def _asked(songs: Sequence[TimingErrors | None]) -> list[float | None]:
    return [None if song is None else song.num_asked for song in songs]
