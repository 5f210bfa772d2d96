"""dpo: preference rounds (prompts, pairs to learn, training, gate) until one is stopped, their history, and the policy that is kept; or one training on jamify's pair list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.results.rounds import RoundRow, RoundsReport
from flows.pipelines.checkpoints import first_checkpoint, kept_checkpoint, whole_or_nothing
from flows.pipelines.flow_inputs import TRAININGS, check_rules
from flows.pipelines.flow_models import check_models
from flows.pipelines.needs import check_enough, too_few_kept
from flows.pipelines.rounds import GATE, fit_pairs, gate_songs, run_round, write_kept
from flows.pipelines.runs import remove_superseded
from flows.pipelines.stages import finished_rows, prepare_pipeline
from flows.run.lazy_flow import flow
from flows.run.progress import say
from flows.settings.project import Project, WorkFolder, writes_work
from jam_model.checkpoint import load_config, weights_hash
from jam_model.frames import seconds_of_frames
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.preference.gate import Gate, best_round, gate_metrics
from tasks.preference.pairs import read_pair_list
from tasks.preference.round_report import (
    gate_line,
    not_converged,
    round_row,
    round_values,
    rounds_csv,
    why_kept,
    why_stopped,
)
from tasks.preference.round_tables import CONTROL, POLICY, PREPARED_COLUMNS, round_songs
from tasks.prompts.prompts import Prompt
from tasks.storage.files import write_bytes, write_json
from tasks.trainer.run_folder import TrainResult


@writes_work("dpo")
def run_dpo(project: Project) -> RoundsReport:
    """All rounds from the fine-tuned model, or from the weights of `start.dpo`; the one that was kept stands in ``rounds/kept.json``.

    Raises:
        ValueError: a model cannot be used, or there are too few songs.
    """
    params, work = project.params, project.work
    check_models(project, "dpo")
    check_rules(params, *TRAININGS["dpo"])
    prepared = finished_rows(prepare_pipeline(project), PREPARED_COLUMNS)
    check_enough(too_few_kept(params, prepared, "dpo"))
    songs = round_songs(prepared, params.round.num_held_out, params.gate.num_prompts)
    with whole_or_nothing(work):
        first = first_checkpoint(project)
        check_gate_lengths(songs.gate, first)
    project.keep_settings("dpo")
    gate = Gate(params.gate, songs.reference)
    history = [gate_songs(project, songs.gate, 0, {POLICY: first})[POLICY]]
    rows = [RoundRow(0, weights_hash(first), gate.estimates(history[0]), history[0].made_by)]
    keep_gate(work, rows[0])
    doubt, stopped = not_converged(rows[0], params.gate.max_start_per), ""
    if doubt:
        say(f"gate: {doubt}")
    models = {POLICY: first} | ({CONTROL: first} if params.round.control else {})
    ran = 0
    while not stopped and ran < params.round.rounds:
        ran += 1
        prompts = songs.of_round(ran, params.round.num_prompts)
        learned, runs = run_round(project, ran, prompts, models, first)
        if not runs:
            stopped = f"round {ran} stops the rounds: no prompt gave a pair to learn from"
            continue
        models = {name: run.checkpoint for name, run in runs.items()}
        sung = gate_songs(project, songs.gate, ran, models)
        history.append(sung[POLICY])
        rows.append(round_row(ran, learned, runs[POLICY], gate, history, sung.get(CONTROL)))
        keep_gate(work, rows[-1])
        stopped = why_stopped(rows[-1])
    kept = best_round(rows)
    report = RoundsReport(
        gate_metrics(rows), rows, kept, why_kept(rows, kept), stopped, [doubt] if doubt else []
    )
    for line in filter(None, (report.stopped, report.why)):
        say(f"gate: {line}")
    write_kept(work, report)
    say(f"dpo: round {report.kept} is kept, checkpoint {kept_checkpoint(work)}")
    write_json(work.report("dpo") / "metrics.json", round_values(report))
    write_bytes(work.report("dpo") / "rounds.csv", rounds_csv(report))
    remove_superseded(work.rounds, *(work.round(number) for number in range(ran + 1)))
    return report


def check_gate_lengths(prompts: Sequence[Prompt], first: Path) -> None:
    """Whether the model to begin with can make one of the gate's songs; asked before anything of earlier rounds is replaced.

    Raises:
        ValueError: all of them are longer.
    """
    longest_s = seconds_of_frames(load_config(first).max_frames)
    lengths_s = [prompt.duration_s or 0.0 for prompt in prompts]
    if lengths_s and min(lengths_s) > longest_s:
        raise ValueError(
            f"gate: the model to begin with makes songs of at most {longest_s:.1f} s, and each of the {len(prompts)} of the gate is "
            f"longer ({min(lengths_s):.1f} s and more); begin with weights of longer songs"
        )


def keep_gate(work: WorkFolder, row: RoundRow) -> None:
    """Write a round's gate, and say it in one line."""
    write_json(work.round(row.number) / GATE, row.record())
    say(gate_line(row))


@flow(name="dpo", flow_run_name="dpo-{work_dir}")
def dpo(work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()) -> str:
    """DPO rounds in a work folder with a fine-tuned model; returns the sha256 of the weights that were kept.

    Args:
        work_dir: a work folder with shards and a fine-tuned checkpoint.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    report = run_dpo(Project.at(work_dir, params_file, overrides))
    return report.row(report.kept).weights


@writes_work("dpo")
def learn_pair_list(project: Project, path: Path, posteriors: bool) -> TrainResult:
    """``jam dpo --pairs LIST``: preference training from the fine-tuned model on jamify's DPO list; no gate holds it.

    The run lies in ``checkpoints/pairs``; entries of the split ``validation`` are held out. `posteriors`: what the
    list's candidates are, jamify's ``vae_sampled: false``.

    Raises:
        ValueError: there is no fine-tuned model, no such list, or no pair in it to learn from.
    """
    pairs = read_pair_list(path, vae_sampled=not posteriors)
    learn, check = ([pair for pair in pairs if pair.prompt.split == split] for split in (TRAIN, VALIDATION))
    say(f"pairs: {len(learn)} of {len(pairs)} entries to learn from, {len(check)} held out")
    out = project.work.checkpoint("pairs")
    with whole_or_nothing(project.work):
        policy = first_checkpoint(project)
        result = fit_pairs(project, "pairs", project.params.dpo, (learn, check), policy, None, out)
    say(f"pairs: {result.checkpoint}")
    return result
