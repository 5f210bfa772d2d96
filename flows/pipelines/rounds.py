"""A preference round in its folder ``rounds/<k>``: its policy's candidates, pairs and people's choices, training (``run_round``), its gate's songs, which was kept.

``rounds/<k>/{prompts,candidates,scores,pairs,train,control,gate}``, and ``rounds/kept.json`` once all have run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eval.results.plural import counted
from eval.results.rounds import RoundRow, RoundsReport
from flows.pipelines.checkpoints import KEPT
from flows.pipelines.runs import checkpoint_of, checkpoint_with, run_fit
from flows.pipelines.stages import candidate_stages, gate_stages, listening_pipeline
from flows.run.prefect_tasks import run_as_task, run_stages, show_table
from flows.run.progress import say
from flows.settings.project import Project, WorkFolder
from jam_model.checkpoint import load_config, weights_hash
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.choices.store import Choice, answers_elsewhere, choices_of, peoples_pairs, raters_of
from tasks.choices.trials import round_set
from tasks.engine.fingerprint import fingerprint
from tasks.models.codec import build_codec
from tasks.models.phonemizer import build_phonemizer
from tasks.preference.gate import GATE_COLUMNS, PolicyScores, gate_metrics, policy_scores, unrewarded
from tasks.preference.pairs import Pair, digest_of
from tasks.preference.params import PreferParams, control_of
from tasks.preference.round_report import held_out_line, pairs_line
from tasks.preference.round_tables import (
    CONTROL,
    POLICY,
    ROUND_COLUMNS,
    GeneratedPairs,
    RoundPairs,
    RoundPrompts,
    round_pairs,
    training_pairs,
    write_pairs_file,
    write_scores,
)
from tasks.prompts.prompts import (
    Prompt,
    candidate_sources,
    gate_sources,
    policy_system,
    policy_systems,
    unknown_phones,
)
from tasks.storage.files import write_json
from tasks.trainer.params import learned_by
from tasks.trainer.run_folder import TrainResult
from tasks.training.recipe import adapter_recipe

if TYPE_CHECKING:
    from tasks.trainer.ray_train import Progress

CANDIDATES, SCORES, PAIRS, PROMPTS = "candidates", "scores.parquet", "pairs.parquet", "prompts.parquet"
RUNS = {POLICY: "train", CONTROL: "control"}
"""Where in the round's folder the training run of each lies."""
GATE = "gate.json"


def generate_pairs(
    project: Project, folder: Path, number: int, prompts: RoundPrompts, policy: Path
) -> GeneratedPairs:
    """Generate, score and pair into `folder`; whatever of it stands is found, not made."""
    params, work = project.params, project.work
    prompts.write(folder / PROMPTS)
    config = load_config(policy)
    if unknown := unknown_phones(prompts.all, config.filler):
        say(f"generate: round {number}: {unknown}")
    system = policy_system(f"round-{number}", "candidates", weights_hash(policy), params.sampler, prompts.all)
    seed = params.round.seed + number - 1
    sources = candidate_sources(prompts.all, system, number, params.round.candidates, seed)
    stages = candidate_stages(project, {weights_hash(policy): policy})
    pipeline = project.pipeline(folder / CANDIDATES, stages, sources)
    run_stages([pipeline], params.engine, work.receipts / f"{folder.parent.name}-{folder.name}")
    candidates = pipeline.listed_rows(ROUND_COLUMNS)
    write_scores(folder / SCORES, candidates)
    choices = peoples_choices(project, folder / SCORES)
    people = peoples_pairs(choices)
    learn = round_pairs(prompts.learn, candidates, params.pair, TRAIN, people)
    learn = replace(learn, raters=raters_of(choices))
    check = round_pairs(prompts.check, candidates, params.pair, VALIDATION, people)
    write_pairs_file(folder / PAIRS, (learn, check))
    latents = {row["song_id"]: row["generated_latent"] for row in pipeline.rows(["generated_latent"])}
    learned, checked = (training_pairs(of, latents, work.shards, config.extras) for of in (learn, check))
    return GeneratedPairs(learn, check, (learned, checked))


def peoples_choices(project: Project, scores: Path) -> list[Choice]:
    """What people chose of these candidates, where `pair.by` asks them; says how many pairs nobody chose of.

    Raises:
        ValueError: they alone are asked, and nobody has chosen yet, or they agree on nothing; or a file of theirs cannot be read.
    """
    root, by = project.work.root, project.params.pair.by
    if by == "judge":
        return []
    pairs = round_set(scores)
    choices = choices_of(root, pairs.key)
    found, asked = peoples_pairs(choices), {pair.prompt for pair in pairs.pairs}
    advice = f"open `jam desk --work {root}`, Choose, then run this again; or set pair.by=both"
    if by == "people" and all(pair.is_tie for pair in found.values()):
        elsewhere = answers_elsewhere(root, pairs.key, asked)
        others = f" ({counted(elsewhere, 'answer')} about other candidates of these prompts stand unused)"
        who = "agree on none" if found else "have chosen none"
        raise ValueError(
            f"pair.by: people are to choose, and {who} of {counted(len(asked), 'pair')}{others * bool(elsewhere)}; {advice}"
        )
    if left := len(asked - found.keys()):
        rest = (
            "the judge decides those" if by == "both" else "those give none; more can be chosen at the desk"
        )
        say(f"pair: nobody chose of {left} of {counted(len(asked), 'pair')}: {rest}")
    return choices


def run_round(
    project: Project, number: int, prompts: RoundPrompts, models: Mapping[str, Path], first: Path
) -> tuple[RoundPairs, dict[str, TrainResult]]:
    """Generate, score, pair, train; whatever of it stands is found, not made. Returns the pairs that it learned from and
    the trainings on them, POLICY and perhaps CONTROL; none where no prompt gave a pair.

    `models`: the checkpoints the round begins with, POLICY and perhaps CONTROL; `first`: the one of all rounds.
    """
    params, folder = project.params, project.work.round(number)
    made = generate_pairs(project, folder, number, prompts, models[POLICY])
    say(f"pair: round {number}: {pairs_line(made.learn, made.check)}")
    table = [{"prompt": row.song_id, **row.columns} for row in made.learn.rows]
    show_table(f"pairs-{number}", table, "Winner and loser of every prompt")
    if not made.learn.num_pairs:
        return made.learn, {}
    sections = {POLICY: params.dpo, CONTROL: control_of(params.dpo)}
    is_first = params.round.reference == "first" and first != models[POLICY]
    runs: dict[str, TrainResult] = {}
    for name, start in models.items():
        shown = f"dpo-{number}" if name == POLICY else f"dpo-{number}-{name}"
        reference = first if is_first and name == POLICY else None
        out = folder / RUNS[name]
        fit = partial(fit_pairs, project, shown, sections[name], made.tensors, start, reference, out)
        runs[name] = run_as_task(shown, fit)
    return made.learn, runs


def fit_pairs(
    project: Project,
    name: str,
    section: PreferParams,
    pairs: tuple[list[Pair], list[Pair]],
    policy: Path,
    reference: Path | None,
    folder: Path,
) -> TrainResult:
    """Preference training on (pairs to learn from, held-out pairs) in ``<folder>/<fingerprint>``; a finished run there
    is found, and runs of anything else are superseded and go.
    """
    weights = [weights_hash(policy), weights_hash(reference or policy)]
    adapter = project.params.adapter.chosen
    key = [learned_by(section.model_dump(mode="json")), weights, *map(digest_of, pairs)]
    out = folder / fingerprint([*key, adapter_recipe(adapter)] if adapter else key)
    silence_C = build_codec(project.params.models.codec).silence_C
    wandb = project.params.wandb

    def fit(shown: Progress) -> TrainResult:
        from tasks.preference.dpo import prefer

        return prefer(section, *pairs, policy, silence_C, out, shown, reference, adapter, wandb)

    result = run_fit(project, name, out, fit)
    say(f"{name}: {held_out_line(result.figures)}")
    return result


def gate_songs(
    project: Project, prompts: Sequence[Prompt], number: int, checkpoints: Mapping[str, Path]
) -> dict[str, PolicyScores]:
    """The scores of each checkpoint of a round, by its name, on the gate's prompts. Its songs lie in
    ``rounds/<number>/gate``; what was made of them already is found, not made.

    Raises:
        ValueError: every song of a checkpoint was dropped, so that nothing holds it.
    """
    params, work, gate = project.params, project.work, project.params.gate
    systems = policy_systems(checkpoints, params.sampler, prompts)
    pipeline = listening_pipeline(
        project,
        work.round(number) / "gate",
        gate_sources(systems, gate.candidates, gate.seed),
        {str(system.checkpoint): checkpoints[system.name] for system in systems},
        gate_stages(project),
    )
    run_stages([pipeline], params.engine, work.receipts / f"gate-{number}")
    rows, phonemizer = pipeline.listed_rows(GATE_COLUMNS), build_phonemizer(params.models.phonemizer)
    others = unrewarded(params.reward, params.models.judge)
    sung = {name: [row for row in rows if row["system"] == name] for name in checkpoints}
    for name, songs in sung.items():
        if all(row["drop_reason"] for row in songs):
            why = ", ".join(
                f"{reason} {count}" for reason, count in Counter(row["drop_reason"] for row in songs).items()
            )
            raise ValueError(f"gate: no song of round {number} ({name}) could be made or measured: {why}")
    return {name: policy_scores(prompts, songs, phonemizer, others) for name, songs in sung.items()}


def write_kept(work: WorkFolder, report: RoundsReport) -> None:
    """``rounds/kept.json``: the round, why, and where its weights lie."""
    row = report.row(report.kept)
    checkpoint = round_checkpoint(work, row, POLICY)
    write_json(
        work.rounds / KEPT,
        {
            "round": report.kept,
            "rounds": [row.number for row in report.rows],
            "why": report.why,
            "stopped": report.stopped,
            "notes": list(report.notes),
            "weights": row.weights,
            "checkpoint": checkpoint.relative_to(work.root).as_posix(),
        },
    )


def standing_rounds(work: WorkFolder) -> RoundsReport | None:
    """The rounds of a work folder, or None where none have run to their end."""
    path = work.rounds / KEPT
    if not path.is_file():
        return None
    kept = json.loads(path.read_text())
    rows = [RoundRow.of(json.loads((work.round(n) / GATE).read_text())) for n in kept["rounds"]]
    return RoundsReport(gate_metrics(rows), rows, kept["round"], kept["why"], kept["stopped"], kept["notes"])


@dataclass(frozen=True)
class ShownRound:
    """The round that a benchmark shows: the kept one, or, where round 0 was kept, the last one made."""

    number: int
    is_kept: bool
    policy: Path
    control: Path | None

    @property
    def title(self) -> str:
        """As a row of the report."""
        return f"After DPO round {self.number}" + ("" if self.is_kept else ", not kept")

    def checkpoints(self, policy: str, control: str) -> dict[str, Path]:
        """Its policy and, where there is one, its control, by these names."""
        return {policy: self.policy} | ({control: self.control} if self.control else {})


def shown_round(work: WorkFolder) -> ShownRound | None:
    """What there is to benchmark of the rounds of a work folder; None where no round was trained."""
    report = standing_rounds(work)
    if report is None or len(report.rows) == 1:
        return None
    number = report.kept or report.rows[-1].number
    control = report.row(number).control is not None
    return ShownRound(
        number,
        number == report.kept,
        round_checkpoint(work, report.row(number), POLICY),
        round_checkpoint(work, report.row(number), CONTROL) if control else None,
    )


def round_checkpoint(work: WorkFolder, row: RoundRow, name: str) -> Path:
    """Where the policy or the control of a round lies; those of round 0 are the weights that the rounds began with."""
    if not row.number:
        return checkpoint_with(work, row.weights)
    return checkpoint_of(work.round(row.number) / RUNS[name])
