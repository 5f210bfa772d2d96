"""What is said and kept of a round: its gate as a row, the rounds as tables, pairs and figures in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas

from eval.report.tables import csv_bytes
from eval.results.rounds import RoundRow, RoundsReport
from tasks.preference.gate import REWARD, Gate, PolicyScores, phone_error_rate
from tasks.preference.round import POLICY, Round, RoundPairs


def round_row(
    number: int, made: Round, gate: Gate, history: Sequence[PolicyScores], control: PolicyScores | None
) -> RoundRow:
    """What the gate found of a round; `history` ends with its policy."""
    policy, learn = made.runs[POLICY], made.pairs.learn
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
    )


def round_values(report: RoundsReport) -> dict[str, Any]:
    """The round that was kept, and every round's values alone: what `dvc metrics` compares."""
    rounds = {
        str(row.number): {name: estimate.value for name, estimate in row.estimates.items()}
        for row in report.rows
    }
    return {"kept": report.kept, "rounds": rounds}


def rounds_csv(report: RoundsReport) -> bytes:
    """The same as CSV, a row a round: what `dvc plots` draws."""
    rounds = round_values(report)["rounds"]
    return csv_bytes(
        pandas.DataFrame([{"round": int(number), **values} for number, values in rounds.items()])
    )


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
    return f"{_counts(learn)}; held out: {_counts(check)}"


def held_out_line(figures: Mapping[str, Any]) -> str:
    """What a training run found on held-out pairs, in words."""
    if not figures.get("num_held_out_pairs"):
        return "no held-out pairs"
    accuracy, count = figures["held_out_accuracy"], figures["num_held_out_pairs"]
    return f"implicit accuracy {accuracy:.2f} on {count} held-out pairs"


def _counts(pairs: RoundPairs) -> str:
    refused = ", ".join(f"{reason} {count}" for reason, count in pairs.refusals.items())
    return f"{pairs.num_pairs} pairs from {len(pairs.rows)} prompts" + (
        f", refused {refused}" if refused else ""
    )


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"
