"""One round of preference training as data: ``rounds/<k>/{prompts,candidates,scores,pairs,train,control}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from flows.pipelines.listening_stages import generate_stage
from flows.pipelines.runs import remove_superseded
from flows.run.prefect_tasks import run_as_task, run_stages
from flows.run.progress import progress_bar, say
from flows.settings.project import Project
from jam_model.checkpoint import weights_hash
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Chain
from tasks.engine.pool import connect
from tasks.engine.table import Source
from tasks.models.codec import build_codec
from tasks.preference.dpo import PreferParams, control_of, prefer
from tasks.preference.pair_store import Pair
from tasks.preference.round import (
    TAKE_COLUMNS,
    Round,
    RoundPairs,
    RoundPrompts,
    SungPairs,
    choose_pairs,
    training_pairs,
    write_pairs_file,
    write_scores,
)
from tasks.preference.round_report import held_out_line, pairs_line
from tasks.prompts.prompts import policy_system, take_sources
from tasks.stages.reward import Reward
from tasks.stages.score import Score
from tasks.stages.separate import Separate, SeparateParams
from tasks.stages.transcribe import Transcribe, TranscribeParams
from tasks.training.train import TrainResult

CANDIDATES, SCORES, PAIRS, PROMPTS = "candidates", "scores.parquet", "pairs.parquet", "prompts.parquet"
POLICY, CONTROL = "policy", "control"
RUNS = {POLICY: "train", CONTROL: "control"}
"""Where in the round's folder the training run of each lies."""


@dataclass(frozen=True)
class Before:
    """The models a round begins with: the policy, the control where there is one, and the very first model."""

    policy: Path
    control: Path | None
    first: Path

    @property
    def checkpoints(self) -> dict[str, Path]:
        """The policy and its control, by name."""
        return {POLICY: self.policy} | ({CONTROL: self.control} if self.control else {})


def sing_pairs(project: Project, folder: Path, number: int, prompts: RoundPrompts, policy: Path) -> SungPairs:
    """Sing, score and pair into `folder`; whatever of it stands is found, not made."""
    params, work = project.params, project.work
    prompts.write(folder / PROMPTS)
    system = policy_system(f"round-{number}", "takes", weights_hash(policy), params.sampler, prompts.all)
    seed = params.round.seed + number - 1
    sources = take_sources(prompts.all, system, number, params.round.candidates, seed)
    chain = take_chain(project, folder, sources, policy)
    run_stages([chain], params.engine, work.receipts / f"{folder.parent.name}-{folder.name}")
    takes = chain.listed_rows(TAKE_COLUMNS)
    write_scores(folder / SCORES, takes)
    learn = choose_pairs(prompts.learn, takes, params.pair, TRAIN)
    check = choose_pairs(prompts.check, takes, params.pair, VALIDATION)
    write_pairs_file(folder / PAIRS, (learn, check))
    latents = {row["song_id"]: row["latent_sung"] for row in chain.rows(["latent_sung"])}
    tensors = training_pairs(learn, latents, work.shards), training_pairs(check, latents, work.shards)
    return SungPairs(learn, check, tensors)


def run_round(project: Project, number: int, prompts: RoundPrompts, before: Before) -> Round:
    """Sing, score, pair, train; whatever of it stands is found, not made."""
    params, folder = project.params, project.work.round(number)
    made = sing_pairs(project, folder, number, prompts, before.policy)
    learn, check = made.learn, made.check
    say(f"pair: round {number}: {pairs_line(learn, check)}")
    _publish(number, learn)
    if not learn.num_pairs:
        return Round(learn, check, None, None)
    reference = before.first if params.round.reference == "first" and before.first != before.policy else None
    recipe = [[row.song_id, *row.columns.values()] for group in (learn, check) for row in group.rows]

    def fitted(name: str, section: PreferParams, start: Path, reference: Path | None) -> TrainResult:
        facts = [
            section.model_dump(mode="json"),
            weights_hash(start),
            weights_hash(reference or start),
            recipe,
        ]
        out = folder / RUNS[name] / fingerprint(facts)
        shown = f"dpo-{number}" if name == POLICY else f"dpo-{number}-{name}"
        fit = partial(fit_pairs, project, shown, section, made.tensors, start, reference, out)
        result: TrainResult = run_as_task(shown, fit)
        remove_superseded(out.parent, out)
        say(f"{shown}: {held_out_line(result.figures)}")
        return result

    policy = fitted(POLICY, params.dpo, before.policy, reference)
    control = None
    if before.control is not None:
        control = fitted(CONTROL, control_of(params.dpo), before.control, None)
    return Round(learn, check, policy, control)


def take_chain(project: Project, folder: Path, sources: Sequence[Source], policy: Path) -> Chain:
    """The table of a round's takes and the stages that sing, score and hear them out."""
    params = project.params
    stages = [
        generate_stage(project, {weights_hash(policy): policy}),
        Score(params.models.judge),
        Reward(params.reward, params.models.judge),
        Separate(SeparateParams(stems="vocals"), params.models.separator),
        Transcribe(TranscribeParams(when="always", min_confidence=0.0), params.models.guard_transcriber),
    ]
    return project.pipeline(folder / CANDIDATES, stages, sources)


def fit_pairs(
    project: Project,
    name: str,
    section: PreferParams,
    pairs: tuple[list[Pair], list[Pair]],
    policy: Path,
    reference: Path | None,
    out: Path,
) -> TrainResult:
    """Preference training in `out` on (pairs to learn from, held-out pairs); a finished run there is found."""
    if not (out / "done.json").is_file():
        connect(project.params.engine)
    silence_C = build_codec(project.params.models.codec).silence_C
    with progress_bar(name, "steps") as show:
        return prefer(
            section,
            *pairs,
            policy,
            silence_C,
            out,
            lambda done, total, loss: show(done, total),
            reference=reference,
        )


def _publish(number: int, pairs: RoundPairs) -> None:
    if FlowRunContext.get() is not None:
        table = [{"prompt": row.song_id, **row.columns} for row in pairs.rows]
        create_table_artifact(
            key=f"pairs-{number}", table=table, description="Winner and loser of every prompt"
        )
