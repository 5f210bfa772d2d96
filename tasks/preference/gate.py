"""The gate after a round (`Gate`, `GateParams`): songs' scores (`PolicyScores`), is the policy better, is any metric worse beyond its margin, best round.

Everything is compared prompt by prompt, against the model the rounds began with and the round before. A guard
is a metric that may get worse by no more than its margin: the rounds stop when a paired one-sided test, corrected
by Holm's method over all guards of the round, says that one got worse by more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import Field

from eval.metrics.error_rates import ACOUSTIC_PER, PER, WER
from eval.metrics.fad import FAD
from eval.metrics.frechet import FrechetReference
from eval.metrics.levels import ENERGY_AFTER_END
from eval.metrics.metric import CandidatesMetric, Corpus, CorpusMetric, Measurable, SongMetric, Values
from eval.metrics.song import Song
from eval.metrics.style_similarity import CANDIDATE_DIVERSITY, STYLE_SIMILARITY
from eval.results.rounds import Change, RoundRow
from eval.stats.intervals import Estimate, Resampling
from eval.stats.significance import holm
from tasks.benchmark.song_metrics import Ruler, columns_of
from tasks.engine.stage import Section
from tasks.models.judge import JudgeParams
from tasks.models.phonemizer import Phonemizer, for_song
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.reward import RewardParams

REWARD = SongMetric(
    "reward",
    "Reward",
    "ours",
    "as its judges'",
    "higher",
    "",
    "What pairs are ranked by, mean over candidates.",
    decimals=3,
    measure=lambda song: song.row["reward"],
    columns=("reward",),
)
OTHER_JUDGES = SongMetric(
    "other_judges",
    "Other judges",
    "ours",
    "as theirs",
    "higher",
    "",
    "Mean of the axes that were judged and that the reward does not weigh.",
    decimals=3,
    measure=lambda song: None,  # `unrewarded`: settings say which axes
    columns=("judge_scores",),
)
FAILED = CandidatesMetric(
    "failed",
    "Failed",
    "ours",
    "[0, 1]",
    "lower",
    "",
    "Share of the candidates that could not be sung.",
    percent=True,
    measure_candidates=lambda candidates: (
        1 - sum(not candidate.failed for candidate in candidates) / len(candidates)
    ),
)
GATE_METRICS: tuple[Measurable, ...] = (
    *(REWARD, OTHER_JUDGES, WER, PER, ACOUSTIC_PER),
    *(FAD, STYLE_SIMILARITY, CANDIDATE_DIVERSITY, ENERGY_AFTER_END, FAILED),
)
GATE_COLUMNS = ("parent", "system", "candidate", *columns_of(GATE_METRICS))
Row = Mapping[str, Any]


class Margins(Section):
    """How much worse a policy may be than an earlier one; null: not watched. `per` holds for the phones that were
    heard, or, where the transcriber hears none, for those of the words it wrote; `fad` is a share of
    round 0's distance.
    """

    per: float | None = Field(ge=0)
    fad: float | None = Field(ge=0)
    style_similarity: float | None = Field(ge=0)
    diversity: float | None = Field(ge=0)
    other_judges: float | None = Field(ge=0)
    failed: float | None = Field(ge=0)


class GateParams(Section):
    """`num_prompts` validation songs, each sung `candidates` times by every policy from the same noise. `error_rate`:
    how often the non-inferiority metrics of a round may stop it for nothing. `max_start_per`: above it the model that the rounds
    begin with has not converged.
    """

    num_prompts: int = Field(ge=1)
    candidates: int = Field(ge=1)
    seed: int
    num_resamples: int = Field(ge=100)
    error_rate: float = Field(gt=0, lt=1)
    margins: Margins
    max_start_per: float


@dataclass(frozen=True)
class PolicyScores:
    """How a policy generated the gate's prompts; position i of every list is the same prompt, None one that failed.

    `values`: of all its candidates of a prompt together, by metric; a metric that nobody could measure is absent.
    `made_by`: identities of the models that generated and measured.
    """

    values: Mapping[str, Values]
    made_by: Sequence[str]


@dataclass(frozen=True)
class Gate:
    """Compares policies on the gate's prompts. `reference`: the true songs that Frechet distances are to."""

    params: GateParams
    reference: FrechetReference

    @property
    def corpus(self) -> Corpus:
        """How prompts are drawn, and what distances are to."""
        return Corpus(Resampling(self.params.num_resamples, self.params.seed), self.reference)

    def estimates(self, policy: PolicyScores) -> dict[str, Estimate]:
        """Every metric that was measured."""
        return {m.name: m.estimate(policy.values[m.name], self.corpus) for m in _measured(policy)}

    def differences(self, policy: PolicyScores, other: PolicyScores) -> dict[str, Estimate]:
        """Policy minus other on every metric that both have, paired by prompt."""
        return {
            metric.name: metric.difference(policy.values[metric.name], other.values[metric.name], self.corpus)
            for metric in _measured(policy, other)
        }

    def changes(self, history: Sequence[PolicyScores]) -> list[Change]:
        """What the last policy of `history` (round 0 first) changed, against the first and the one before."""
        now, last = history[-1], len(history) - 1
        margins = self._margins(history[0])
        found = []
        for number in sorted({0, last - 1} - {last}):
            for name, estimate in self.differences(now, history[number]).items():
                change = Change(name, number, estimate, margins.get(name))
                if change.margin is not None:
                    change = replace(change, p_value=self._p_value(name, now, history[number], change.margin))
                found.append(change)
        corrected = holm([change.p_value for change in found])
        return [
            replace(change, p_value=p, exceeded=p is not None and p <= self.params.error_rate)
            for change, p in zip(found, corrected, strict=True)
        ]

    def _margins(self, first: PolicyScores) -> dict[str, float]:
        """The margin of every guard that has one, by metric."""
        asked = self.params.margins.model_dump()
        asked[(ACOUSTIC_PER if ACOUSTIC_PER.name in first.values else PER).name] = asked.pop("per")
        if asked[FAD.name] is not None:
            distance = FAD.estimate(first.values[FAD.name], self.corpus).value
            asked[FAD.name] = None if distance is None else asked[FAD.name] * distance
        return {name: margin for name, margin in asked.items() if margin is not None}

    def _p_value(self, name: str, now: PolicyScores, before: PolicyScores, margin: float) -> float | None:
        """Of: `now` is worse than `before` by no more than `margin`."""
        metric = next(metric for metric in GATE_METRICS if metric.name == name)
        return metric.worse_p_value(now.values[name], before.values[name], self.corpus, margin)


def _measured(*policies: PolicyScores) -> list[Measurable]:
    """The gate's metrics that all of these policies have."""
    return [metric for metric in GATE_METRICS if all(metric.name in one.values for one in policies)]


def gate_metrics(rows: Sequence[RoundRow]) -> list[Measurable]:
    """The gate's metrics, with what embedded the songs of these rounds in their titles."""
    return [metric.of_embedding(made for row in rows for made in row.made_by) for metric in GATE_METRICS]


def best_round(rows: Sequence[RoundRow]) -> int:
    """The round with the highest reward among those that got no metric worse beyond its margin; of equals the earliest.

    Round 0 breaks none, and is kept when nothing after it is better.
    """
    able = [row for row in rows if not row.exceeded and row.estimates[REWARD.name].value is not None]
    return max(able, key=lambda row: (row.estimates[REWARD.name].value, -row.number)).number if able else 0


def policy_scores(
    prompts: Sequence[Prompt],
    rows: Iterable[Row],
    phonemizer: Phonemizer,
    other_judges: Callable[[Row], float | None],
) -> PolicyScores:
    """Score one policy's songs against what was asked.

    Args:
        rows: its songs, dropped ones too; every prompt has some.
        other_judges: see `unrewarded`.
    """
    ruler = Ruler(phonemizer)
    phones = {one.song_id: for_song(phonemizer, one.language).phones(one.texts) for one in prompts}
    by_id = {prompt.song_id: prompt for prompt in prompts}
    candidates: dict[str, list[Song]] = {prompt.song_id: [] for prompt in prompts}
    made_by: set[str] = set()
    for row in rows:
        parent = row["parent"]
        candidates[parent].append(ruler.song(row, by_id[parent], phones[parent]))
        made_by |= set(row["made_by"])
    values = {}
    for metric in GATE_METRICS:
        if metric is OTHER_JUDGES:
            metric = replace(OTHER_JUDGES, measure=lambda song: other_judges(song.row))
        found = [metric.of_candidates(songs) for songs in candidates.values()]
        if isinstance(metric, CorpusMetric) or any(value is not None for value in found):
            values[metric.name] = found
    return PolicyScores(values, sorted(made_by))


def unrewarded(reward: RewardParams, judge: JudgeParams) -> Callable[[Row], float | None]:
    """The mean of those axes of a song that were judged and that the reward does not weigh."""
    judges = reward.judges(judge)
    weighed = set()
    for term in reward.terms:
        chosen = judges[term.judge_of(judge.model)]
        weighed |= {(chosen.identity(), axis) for axis in ([term.axis] if term.axis else chosen.axes)}

    def mean(row: Row) -> float | None:
        others = [
            entry["score"] for entry in row["judge_scores"] if (entry["judge"], entry["axis"]) not in weighed
        ]
        return float(np.mean(others)) if others else None

    return mean
