"""Acoustic phone errors of a study's arms by how fast words are sung: a metric for each stratum of the prompts' words.

Arms of one study sing the same words, whatever happens within them, so a stratum has the same phones in every arm and arms are
compared in it song by song. A song counts where it has such words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eval.metrics.error_rates import ACOUSTIC_PER, RateMetric
from eval.metrics.metric import Unmeasured, Values
from eval.pages.groups import HEADS, span
from tasks.benchmark.strata import MEASURES, Measure, strata_of_phones, stratum_counts
from tasks.benchmark.system_metrics import Measured
from tasks.prompts.prompts import Prompt


@dataclass(frozen=True)
class Stratum:
    """A metric of the phones of one stratum of a measure."""

    metric: RateMetric
    measure: Measure
    number: int

    def values(self, measured: Measured, system: str) -> Values:
        """The counts of each song that has such words."""
        reason = measured.unmeasured(ACOUSTIC_PER, system)
        songs = zip(measured.systems[system], measured.prompts, strict=True)
        strata = [(song, strata_of_phones(prompt, self.measure)) for song, prompt in songs]
        return [
            Unmeasured(reason) if reason else stratum_counts(song, ACOUSTIC_PER.name, of_phones, self.number)
            for song, of_phones in strata
            if self.number in of_phones
        ]


def strata_of(prompts: Sequence[Prompt]) -> list[Stratum]:
    """Every stratum that these prompts have words of."""
    found = []
    for measure in MEASURES:
        numbers = [number for prompt in prompts for number in measure.of(prompt.words)]
        for number, (low, high) in enumerate(measure.spans):
            if words := numbers.count(number):
                title, told = HEADS[measure.name]
                metric = replace(
                    ACOUSTIC_PER,
                    name=f"{ACOUSTIC_PER.name}_{measure.name}_{number}",
                    title=f"{ACOUSTIC_PER.title}, {span(low, high)} {title[0].lower()}{title[1:]} ({words} words)",
                    protocol=f"{ACOUSTIC_PER.protocol} Of the words with {span(low, high)} {title.lower()} {told}.",
                )
                found.append(Stratum(metric, measure, number))
    return found
