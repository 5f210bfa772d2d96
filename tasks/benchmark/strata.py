"""Phone error rates by strata of how fast words are sung: by syllables a second (rap) and by seconds a syllable (melisma), with their borders.

Both are asked of the prompt: of its words' times and phonemes, whatever a system made of them. Errors are dealt to the words of the
reference phones (`eval.metrics.strata`), so that the strata of one measure add up to the song's own counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.metrics.error_rates import ACOUSTIC_PER, PER, ErrorCounts
from eval.metrics.strata import counts_by_stratum
from eval.results.songs import StratumRow
from eval.stats.intervals import Estimate
from jam_model.words import Word
from tasks.benchmark.song_metrics import SongMeasures
from tasks.benchmark.system_metrics import Measured
from tasks.languages.phones import phones_of
from tasks.prompts.prompts import Prompt
from tasks.prompts.rough_times import num_syllables, syllable_rates

METRICS = (ACOUSTIC_PER, PER)


@dataclass(frozen=True)
class Measure:
    """What tells words apart: its value for each word of a song, and the borders of the strata."""

    name: str
    borders: tuple[float, ...]
    of_words: Callable[[Sequence[Word]], Sequence[float]]

    def of(self, words: Sequence[Word]) -> list[int]:
        """The number of each word's stratum."""
        return [bisect_right(self.borders, value) for value in self.of_words(words)]

    @property
    def spans(self) -> list[tuple[float | None, float | None]]:
        """From where to where each stratum reaches; None: without a border."""
        return [*pairwise([None, *self.borders, None])]


def seconds_a_syllable(words: Sequence[Word]) -> list[float]:
    """How long a syllable of each word lasts, in the mean over the word."""
    return [(word.end_s - word.start_s) / max(1, num_syllables(word.phonemes or "")) for word in words]


MEASURES = (
    Measure("syllables_per_s", (2.0, 4.0, 6.0), syllable_rates),
    Measure("s_per_syllable", (0.2, 0.5, 1.0), seconds_a_syllable),
)


def stratum_rows(measured: Measured) -> list[StratumRow]:
    """A row for each measure, stratum and system in which words were asked for, in this order."""
    return [
        row
        for measure in MEASURES
        for stratum, span in enumerate(measure.spans)
        for system in measured.systems
        for row in _row(measured, measure, stratum, span, system)
    ]


def _row(
    measured: Measured,
    measure: Measure,
    stratum: int,
    span: tuple[float | None, float | None],
    system: str,
) -> Iterator[StratumRow]:
    songs = [
        (song, prompt, strata)
        for song, prompt in zip(measured.systems[system], measured.prompts, strict=True)
        if prompt.is_timed and stratum in (strata := strata_of_phones(prompt, measure))
    ]
    if not songs:
        return
    num_words = sum(measure.of(prompt.words).count(stratum) for _, prompt, _ in songs)
    estimates: dict[str, Estimate] = {}
    for metric in METRICS:
        if reason := measured.unmeasured(metric, system):
            estimates[metric.name] = Estimate(None, None, None, 0, 0, reason=reason)
            continue
        counts = [stratum_counts(song, metric.name, strata, stratum) for song, _, strata in songs]
        estimates[metric.name] = metric.estimate(counts, measured.corpus)
    yield StratumRow(measure.name, *span, system, num_words, estimates)


def strata_of_phones(prompt: Prompt, measure: Measure) -> list[int]:
    """The stratum of each phone of a prompt's words."""
    of_words = zip(prompt.words, measure.of(prompt.words), strict=True)
    return [stratum for word, stratum in of_words for _ in phones_of(word.phonemes or "")]


def stratum_counts(
    song: SongMeasures, metric: str, strata: Sequence[int], stratum: int
) -> ErrorCounts | None:
    """The song's counts in a stratum; None where it has none, or is scored against other phones than its prompt's."""
    read = song.song.transcript_phones if metric == PER.name else song.row.get("transcript_phones")
    if song.value(metric) is None or read is None or len(strata) != len(song.song.phones):
        return None
    return counts_by_stratum(song.song.phones, list(read), strata).get(stratum)
