"""A round in words, rows, CSV (`rounds_csv`) and metrics: lines of gate, pairs, held-out, reward changes; why the rounds stopped, why one was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eval.metrics.error_rates import ACOUSTIC_PER, PER
from eval.report.tables import csv_bytes
from eval.results.plural import counted
from eval.results.rounds import RoundRow, RoundsReport, raters_line
from eval.stats.intervals import Estimate
from tasks.preference.gate import REWARD, Gate, PolicyScores
from tasks.preference.round_tables import RoundPairs
from tasks.trainer.run_folder import TrainResult


def round_row(
    number: int,
    learn: RoundPairs,
    policy: TrainResult,
    gate: Gate,
    history: Sequence[PolicyScores],
    control: PolicyScores | None,
) -> RoundRow:
    """What the gate found of a round that learned `policy` from `learn`; `history` ends with its policy."""
    figures = policy.figures
    return RoundRow(
        number,
        policy.weights,
        gate.estimates(history[-1]),
        history[-1].made_by,
        gate.changes(history),
        control=gate.estimates(control) if control else None,
        over_control=gate.differences(history[-1], control) if control else None,
        num_prompts=len(learn.rows),
        num_pairs=learn.num_pairs,
        refusals=learn.refusals,
        num_held_out=figures["num_held_out_pairs"],
        held_out_accuracy=figures.get("held_out_accuracy"),
        error_over=figures["error_over"],
        num_by_people=learn.num_by_people,
        raters={name: asdict(count) for name, count in learn.raters.items()},
    )


def round_values(report: RoundsReport) -> dict[str, Any]:
    """What `dvc metrics` compares: which round was kept, and its reward and that of the model all began with."""
    rewards = {row.number: row.estimates[REWARD.name].value for row in report.rows}
    return {"kept": report.kept, "reward": rewards[report.kept], "reward_before": rewards[0]}


def rounds_csv(report: RoundsReport) -> bytes:
    """Every round's values as CSV, a row a round: what `dvc plots` draws."""
    import pandas

    rows = [
        {"round": row.number, **{name: estimate.value for name, estimate in row.estimates.items()}}
        for row in report.rows
    ]
    return csv_bytes(pandas.DataFrame(rows))


def gate_line(row: RoundRow) -> str:
    """A round's gate in one line."""
    reward, per = row.estimates[REWARD.name], phone_error_rate(row.estimates)
    line = f"gate: round {row.number}: reward {_figure(reward.value)}, phone error rate {_figure(per.value)}"
    change = row.change(REWARD.name)
    if change and change.estimate.low is not None:
        line += f"; reward against round 0 {change.estimate.value:+.3f} [{change.estimate.low:+.3f}, {change.estimate.high:+.3f}]"
    if row.over_control and row.over_control[REWARD.name].low is not None:
        over = row.over_control[REWARD.name]
        line += f"; against its control {over.value:+.3f} [{over.low:+.3f}, {over.high:+.3f}]"
    return line


def pairs_line(learn: RoundPairs, check: RoundPairs) -> str:
    """Pairs and refusals of both splits in words."""
    by = raters_line({name: asdict(count) for name, count in learn.raters.items()})
    return f"{_counts(learn)}; held out: {_counts(check)}" + (f"; {by}" if by else "")


def held_out_line(figures: Mapping[str, Any]) -> str:
    """What a training run found on held-out pairs, in words."""
    if not figures.get("num_held_out_pairs"):
        return "no held-out pairs"
    accuracy, count = figures["held_out_accuracy"], figures["num_held_out_pairs"]
    return f"implicit accuracy {accuracy:.2f} on {count} held-out pairs"


def _counts(pairs: RoundPairs) -> str:
    refused = ", ".join(f"{reason} {count}" for reason, count in pairs.refusals.items())
    people = f", {pairs.num_by_people} by people" if pairs.num_by_people else ""
    return f"{counted(pairs.num_pairs, 'pair')} from {counted(len(pairs.rows), 'prompt')}{people}" + (
        f", refused {refused}" if refused else ""
    )


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def phone_error_rate(estimates: Mapping[str, Estimate]) -> Estimate:
    """The phone error rate that counts: of the phones transcribed, else of the words written."""
    return estimates.get(ACOUSTIC_PER.name) or estimates[PER.name]


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
