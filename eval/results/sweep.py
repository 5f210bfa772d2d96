"""A sweep as records (`SweepRow`): what ways of training changed, each trained from several seeds: prompts are the unit, seeds are averaged.

A claim needs both: an interval over prompts that leaves 0 out, and the same sign from every seed. Position i of
every list is the same prompt. Legend: S seeds, N prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.metrics.metric import Corpus, CorpusMetric, Measurable, Metric, Values
from eval.stats.intervals import Estimate, jackknife, mean, present, unresolved


@dataclass(frozen=True)
class Change:
    """A difference with its interval over prompts, and that of every seed alone (None: not measured)."""

    estimate: Estimate
    seeds: tuple[float | None, ...]

    @property
    def claim(self) -> bool:
        """The interval leaves 0 out, and every seed has the sign of the mean."""
        value = self.estimate.value
        if value is None or not self.estimate.resolved:
            return False
        return all(seed is not None and seed * value > 0 for seed in self.seeds)


@dataclass(frozen=True)
class SweepRow:
    """One way of training, or one way against another, and what it changed, by metric."""

    name: str
    title: str
    changes: Mapping[str, Change]
    facts: Mapping[str, float | str | None]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep. `arms` are against the model they all started from, `contrasts` against one another."""

    metrics: Sequence[Metric]
    arms: Sequence[SweepRow]
    contrasts: Sequence[SweepRow]
    notes: Sequence[str]
    made_by: Sequence[str]


def change(
    metric: Measurable, arms_SN: Sequence[Values], others_SN: Sequence[Values], corpus: Corpus
) -> Change:
    """What the arms' values are more than the others', seed by seed of the same place, and their mean.

    A prompt counts where all seeds of both sides have a score.
    """
    if isinstance(metric, CorpusMetric):
        return _corpus_change(metric, arms_SN, others_SN, corpus)
    steps_SN = np.array(
        [
            [a - b if present(a) and present(b) else np.nan for a, b in zip(arm, other, strict=True)]
            for arm, other in zip(arms_SN, others_SN, strict=True)
        ],
        dtype=np.float64,
    )
    steps_N = steps_SN.mean(axis=0)
    whole_SN = steps_SN[:, ~np.isnan(steps_N)]
    seeds = tuple(float(row.mean()) if len(row) else None for row in whole_SN)
    return Change(mean(steps_N, corpus.resampling), seeds)


def _corpus_change(
    metric: CorpusMetric, arms_SN: Sequence[Values], others_SN: Sequence[Values], corpus: Corpus
) -> Change:
    """The interval is the jackknife's over prompts; there is none where a song failed for one seed alone."""
    sides = list(zip(arms_SN, others_SN, strict=True))
    found = [metric.difference(arm, other, corpus) for arm, other in sides]
    seeds = tuple(estimate.value for estimate in found)
    lacking = next((estimate for estimate in found if estimate.value is None), None)
    if lacking is not None:
        return Change(lacking, seeds)
    values_S = np.array(seeds, dtype=np.float64)
    counts = {estimate.n for estimate in found}
    n_failed = max(estimate.n_failed for estimate in found)
    if len(counts) > 1:
        reason = "a prompt failed for one seed and not for another"
        return Change(unresolved(float(values_S.mean()), min(counts), n_failed, "", reason), seeds)
    pseudo_SN = np.stack([metric.steps(arm, other, corpus) for arm, other in sides])
    num_prompts = pseudo_SN.shape[1]
    without_N = (num_prompts * values_S[:, None] - pseudo_SN).mean(axis=0) / (num_prompts - 1)
    return Change(jackknife(float(values_S.mean()), without_N, n_failed), seeds)
