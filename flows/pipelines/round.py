"""One round of preference training as data: ``rounds/<k>/{prompts,candidates,scores,pairs,train,control}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from flows.pipelines.listening_stages import generate_stage
from flows.pipelines.runs import remove_superseded
from flows.run.prefect_tasks import run_stages, step
from flows.run.progress import progress_bar, say
from flows.settings.params import Params
from flows.settings.work_folder import WorkFolder
from jam_model.checkpoint import weights_hash
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Chain
from tasks.engine.pool import connect
from tasks.engine.table import Table
from tasks.models.codec import build_codec
from tasks.preference.dpo import PreferParams, prefer
from tasks.preference.pair_store import Pair
from tasks.preference.pairing import PairParams
from tasks.preference.round import (
    TAKE_COLUMNS,
    RoundPairs,
    RoundPrompts,
    choose_pairs,
    training_pairs,
    write_pairs_file,
    write_scores,
)
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.prompts.prompts import policy_system, take_sources
from tasks.stages.reward import Reward
from tasks.stages.score import Score
from tasks.stages.separate import Separate
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


@dataclass(frozen=True)
class Round:
    """What a round made. `policy` is None where no prompt gave a pair to learn from."""

    learn: RoundPairs
    check: RoundPairs
    policy: TrainResult | None
    control: TrainResult | None


@dataclass(frozen=True)
class SungPairs:
    """What a model's own takes gave to learn from and to check on, and the same as tensors."""

    learn: RoundPairs
    check: RoundPairs
    tensors: tuple[list[Pair], list[Pair]]


def sing_pairs(
    params: Params, work: WorkFolder, folder: Path, number: int, prompts: RoundPrompts, policy: Path
) -> SungPairs:
    """Sing, score and pair into `folder`; whatever of it stands is found, not made."""
    prompts.write(folder / PROMPTS)
    system = policy_system(f"round-{number}", "takes", weights_hash(policy), params.sampler, prompts.all)
    seed = params.round.seed + number - 1
    chain = take_chain(params, folder, policy)
    chain.table.admit(
        take_sources(prompts.all, system, number, params.round.takes, seed), params.engine.partition_size
    )
    run_stages([chain], params.engine, work.receipts / f"{folder.parent.name}-{folder.name}")
    takes = [row for row in chain.rows(TAKE_COLUMNS) if row["drop_reason"] != "source_gone"]
    write_scores(folder / SCORES, takes)
    learn, check = pairs_of(prompts, takes, params.pair)
    write_pairs_file(folder / PAIRS, (learn, check))
    latents = {row["song_id"]: row["latent_sung"] for row in chain.rows(["latent_sung"])}
    tensors = training_pairs(learn, latents, work.shards), training_pairs(check, latents, work.shards)
    return SungPairs(learn, check, tensors)


def run_round(params: Params, work: WorkFolder, number: int, prompts: RoundPrompts, before: Before) -> Round:
    """Sing, score, pair, train; whatever of it stands is found, not made."""
    folder = work.round(number)
    made = sing_pairs(params, work, folder, number, prompts, before.policy)
    learn, check, tensors = made.learn, made.check, made.tensors
    say(f"pair: round {number}: {told(learn)}; held out: {told(check)}")
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
        work_of = partial(fit_pairs, shown, section, *tensors, start, reference, params, out)
        result: TrainResult = step(shown, work_of)
        remove_superseded(out.parent, out)
        say(f"{shown}: {figures_told(result.figures)}")
        return result

    policy = fitted(POLICY, params.dpo, before.policy, reference)
    control = None
    if before.control is not None:
        control = fitted(CONTROL, control_of(params.dpo), before.control, None)
    return Round(learn, check, policy, control)


def control_of(section: PreferParams) -> PreferParams:
    """The same training without the preference."""
    return section.model_copy(update={"beta": 0.0})


def take_chain(params: Params, folder: Path, policy: Path) -> Chain:
    """The table of a round's takes and the stages that sing, score and hear them out."""
    vocals_only = params.separate.model_copy(update={"stems": "vocals"})
    stages = [
        generate_stage(params, {weights_hash(policy): policy}),
        Score(params.judge),
        Reward(params.reward, params.judge),
        Separate(vocals_only),
        Transcribe(TranscribeParams(when="always"), params.guard_transcriber),
    ]
    return Chain(Table(folder / CANDIDATES, PROMPTED_COLUMNS), stages, pythons=params.engine.pythons())


def pairs_of(
    prompts: RoundPrompts, takes: Sequence[dict[str, Any]], rule: PairParams
) -> tuple[RoundPairs, RoundPairs]:
    """The pairs to learn from and those to check on."""
    return (
        choose_pairs(prompts.learn, takes, rule, TRAIN),
        choose_pairs(prompts.check, takes, rule, VALIDATION),
    )


def fit_pairs(
    name: str,
    section: PreferParams,
    learn: list[Pair],
    check: list[Pair],
    policy: Path,
    reference: Path | None,
    params: Params,
    out: Path,
) -> TrainResult:
    """Preference training in `out`, with a progress bar; a finished run there is found."""
    if not (out / "done.json").is_file():
        connect(params.engine)
    silence_C = build_codec(params.codec).silence_C
    with progress_bar(name, "steps") as show:
        return prefer(
            section,
            learn,
            check,
            policy,
            silence_C,
            out,
            lambda done, total, loss: show(done, total),
            reference=reference,
        )


def told(pairs: RoundPairs) -> str:
    """Pairs and refusals in words."""
    refused = ", ".join(f"{reason} {count}" for reason, count in pairs.refusals.items())
    return f"{pairs.num_pairs} pairs from {len(pairs.rows)} prompts" + (
        f", refused {refused}" if refused else ""
    )


def figures_told(figures: dict[str, Any]) -> str:
    """What a training run found on held-out pairs, in words."""
    if not figures.get("num_held_out_pairs"):
        return "no held-out pairs"
    accuracy, count = figures["held_out_accuracy"], figures["num_held_out_pairs"]
    return f"implicit accuracy {accuracy:.2f} on {count} held-out pairs"


def _publish(number: int, pairs: RoundPairs) -> None:
    if FlowRunContext.get() is not None:
        table = [{"prompt": row.song_id, **row.columns} for row in pairs.rows]
        create_table_artifact(
            key=f"pairs-{number}", table=table, description="Winner and loser of every prompt"
        )
