"""dpo: rounds of takes, scores, pairs, preference training and a gate, until one breaks a guard or all have run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
from prefect import flow

from eval.metrics.frechet import FrechetReference, merged
from eval.report.csv_tables import csv_bytes
from eval.results.rounds import RoundRow, RoundsReport
from flows.pipelines.gate_songs import GateSongs
from flows.pipelines.kept_round import GATE, write_kept
from flows.pipelines.prepare_stages import prepare_chain
from flows.pipelines.round import CONTROL, POLICY, Before, Round, run_round
from flows.pipelines.runs import checkpoint_of, remove_superseded
from flows.run.notify import HOOKS
from flows.run.progress import say
from flows.settings.check_models import check_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from jam_model.checkpoint import weights_hash
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.benchmark.system_metrics import windows_of
from tasks.preference.gate import (
    REWARD,
    Gate,
    PolicyScores,
    best_round,
    gate_metrics,
    heard_per,
    not_converged,
    why_kept,
    why_stopped,
)
from tasks.preference.round import RoundPrompts, round_prompts
from tasks.prompts.prompts import PROMPT_COLUMNS, Prompt, prompts_of
from tasks.storage.files import write_bytes, write_json


@dataclass(frozen=True)
class RoundSongs:
    """The prepared songs that rounds use. Both gate and held-out pairs are of validation songs, in one fair order."""

    training: Sequence[Prompt]
    held_out: Sequence[Prompt]
    gate: Sequence[Prompt]
    reference: FrechetReference

    def of_round(self, number: int, count: int) -> RoundPrompts:
        """The prompts of a round."""
        return RoundPrompts(round_prompts(self.training, number, count), self.held_out)


@writes_work("dpo")
def run_dpo(params: Params, work: WorkFolder) -> RoundsReport:
    """All rounds from the fine-tuned model; the one that was kept stands in ``rounds/kept.json``.

    Raises:
        ValueError: a model cannot be used, or there are too few songs.
    """
    check_models(params, "dpo")
    songs = round_songs(params, work, params.gate.num_prompts)
    first = checkpoint_of(work.checkpoint("sft"))
    gate = Gate(params.gate, songs.reference)
    singer = GateSongs(params, work, songs.gate)
    history = [singer.sing(0, {POLICY: first})[POLICY]]
    rows = [RoundRow(0, weights_hash(first), gate.estimates(history[0]), history[0].made_by)]
    _tell(work, rows[0])
    doubt, stopped = not_converged(rows[0], params.gate.max_start_per), ""
    if doubt:
        say(f"gate: {doubt}")
    before = Before(first, first if params.round.control else None, first)
    ran = 0
    while not stopped and ran < params.round.rounds:
        ran += 1
        made = run_round(params, work, ran, songs.of_round(ran, params.round.num_prompts), before)
        if made.policy is None:
            stopped = f"round {ran} stops the rounds: no prompt gave a pair to learn from"
            continue
        before = Before(made.policy.checkpoint, made.control.checkpoint if made.control else None, first)
        sung = singer.sing(ran, before.checkpoints)
        history.append(sung[POLICY])
        rows.append(round_row(ran, made, gate, history, sung.get(CONTROL)))
        _tell(work, rows[-1])
        stopped = why_stopped(rows[-1])
    kept = best_round(rows)
    report = RoundsReport(
        gate_metrics(rows), rows, kept, why_kept(rows, kept), stopped, [doubt] if doubt else []
    )
    for line in filter(None, (report.stopped, report.why)):
        say(f"gate: {line}")
    write_kept(work, report)
    write_json(work.report("dpo") / "metrics.json", flat_metrics(report))
    write_bytes(work.report("dpo") / "rounds.csv", rounds_table(report))
    remove_superseded(work.rounds, *(work.round(number) for number in range(ran + 1)))
    return report


def flat_metrics(report: RoundsReport) -> dict[str, Any]:
    """The round that was kept, and every round's values alone: what `dvc metrics` compares."""
    rounds = {
        str(row.number): {name: estimate.value for name, estimate in row.estimates.items()}
        for row in report.rows
    }
    return {"kept": report.kept, "rounds": rounds}


def rounds_table(report: RoundsReport) -> bytes:
    """The same as CSV, a row a round: what `dvc plots` draws."""
    rounds = flat_metrics(report)["rounds"]
    rows = [{"round": int(number), **values} for number, values in rounds.items()]
    return csv_bytes(pandas.DataFrame(rows))


def round_songs(params: Params, work: WorkFolder, num_gate: int) -> RoundSongs:
    """The prompts of all rounds, the `num_gate` of the gate, and the true training songs that distances are to."""
    rows = prepare_chain(params, work).rows([*PROMPT_COLUMNS, "window_embedding"])
    training = [row for row in rows if row["split"] == TRAIN and not row["drop_reason"]]
    return RoundSongs(
        prompts_of(rows, TRAIN),
        prompts_of(rows, VALIDATION, params.round.num_held_out),
        prompts_of(rows, VALIDATION, num_gate),
        FrechetReference(merged(windows_of(training))),
    )


def round_row(
    number: int, made: Round, gate: Gate, history: Sequence[PolicyScores], control: PolicyScores | None
) -> RoundRow:
    """What the gate found of a round; `history` ends with its policy."""
    assert made.policy is not None
    figures = made.policy.figures
    return RoundRow(
        number,
        made.policy.weights,
        gate.estimates(history[-1]),
        history[-1].made_by,
        gate.changes(history),
        control=gate.estimates(control) if control else None,
        over_control=gate.differences(history[-1], control) if control else None,
        num_prompts=len(made.learn.rows),
        num_pairs=made.learn.num_pairs,
        refusals=made.learn.refusals,
        num_held_out=figures["num_held_out_pairs"],
        held_out_accuracy=figures.get("held_out_accuracy"),
        error_over=figures["error_over"],
    )


def _tell(work: WorkFolder, row: RoundRow) -> None:
    """Write a round's gate, and say it in one line."""
    write_json(work.round(row.number) / GATE, row.record())
    reward, per = row.estimates[REWARD.name], heard_per(row.estimates)
    line = f"gate: round {row.number}: reward {_figure(reward.value)}, phone error rate {_figure(per.value)}"
    change = row.change(REWARD.name)
    if change and change.estimate.low is not None:
        line += f"; reward against round 0 {change.estimate.value:+.3f} [{change.estimate.low:+.3f}, {change.estimate.high:+.3f}]"
    if row.over_control and row.over_control[REWARD.name].low is not None:
        over = row.over_control[REWARD.name]
        line += f"; against its control {over.value:+.3f} [{over.low:+.3f}, {over.high:+.3f}]"
    say(line)


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


@flow(name="dpo", flow_run_name="dpo-{work}", **HOOKS)
def dpo(work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> str:
    """DPO rounds in a work folder with a fine-tuned model; returns the sha256 of the weights that were kept.

    Args:
        work: a work folder with shards and a fine-tuned checkpoint.
        params: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        settings: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    report = run_dpo(loaded, WorkFolder.at(work))
    return report.row(report.kept).weights
