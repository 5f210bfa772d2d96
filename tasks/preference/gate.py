"""The gate after a round: is the policy better, is anything worse, go on or stop, and which round is kept.

Everything is compared prompt by prompt, against the model the rounds began with and the round before. A guard
is a metric that may get worse by no more than its margin: the rounds stop when a paired one-sided test, corrected
by Holm's method over all guards of the round, says that one got worse by more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import Field

from eval.metrics.error_rates import ACOUSTIC_PER, PER, WER
from eval.metrics.fad import FAD
from eval.metrics.frechet import FrechetReference
from eval.metrics.levels import ENERGY_AFTER_END
from eval.metrics.metric import CandidatesMetric, Corpus, Measurable, SongMetric, Values
from eval.metrics.style_similarity import CANDIDATE_DIVERSITY, STYLE_SIMILARITY
from eval.results.rounds import Change, RoundRow
from eval.stats.intervals import Estimate, Resampling
from eval.stats.significance import holm
from tasks.engine.stage import Section

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
    measure=lambda song: None,  # tasks.preference.gate_scores.unrewarded: settings say which axes
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


def phone_error_rate(estimates: Mapping[str, Estimate]) -> Estimate:
    """The phone error rate that counts: of the phones transcribed, else of the words written."""
    return estimates.get(ACOUSTIC_PER.name) or estimates[PER.name]


def best_round(rows: Sequence[RoundRow]) -> int:
    """The round with the highest reward among those that got no metric worse beyond its margin; of equals the earliest.

    Round 0 breaks none, and is kept when nothing after it is better.
    """
    able = [row for row in rows if not row.exceeded and row.estimates[REWARD.name].value is not None]
    return max(able, key=lambda row: (row.estimates[REWARD.name].value, -row.number)).number if able else 0


def why_kept(rows: Sequence[RoundRow], kept: int) -> str:
    """One sentence: why this round and no other."""
    row = next(row for row in rows if row.number == kept)
    if kept == 0:
        refused = [other.number for other in rows if other.exceeded]
        tail = f"; round {refused[0]} got worse beyond a margin" if refused else ""
        return f"round 0 is kept: no round without a metric that got worse beyond its margin has a higher reward{tail}"
    change = row.change(REWARD.name)
    size = f" by {_quantity(change.estimate)}" if change else ""
    sure = "" if change and change.estimate.above_zero else "; the interval holds 0, so this may be chance"
    return f"round {kept} is kept: of the rounds that got no metric worse beyond its margin its reward is the highest, above round 0's{size}{sure}"


def why_stopped(row: RoundRow) -> str:
    """One sentence on the guards that a round broke; empty when it broke none."""
    told = [
        f"{change.metric} against round {change.against} changed by {_quantity(change.estimate)}, more than "
        f"{change.margin:g} for the worse (p = {change.p_value:.2g})"
        for change in row.exceeded
    ]
    return f"round {row.number} stops the rounds: {'; '.join(told)}" if told else ""


def not_converged(first: RoundRow, limit: float) -> str:
    """One sentence when the rounds begin with a model that cannot sing its words yet; else empty."""
    per = phone_error_rate(first.estimates).value
    if per is not None and per <= limit:
        return ""
    found = "not measured" if per is None else f"{per:.3f}"
    return (
        f"not converged: the model the rounds begin with has a phone error rate of {found} on validation songs, "
        f"above {limit:g}; training on the truth alone may explain a gain, so look at the control"
    )


def _quantity(estimate: Estimate) -> str:
    if estimate.value is None:
        return "nothing measured"
    interval = "" if estimate.low is None else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.value:.3f}{interval}"
