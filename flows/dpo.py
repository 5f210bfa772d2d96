"""dpo: one round of takes, scores, pairs and preference training, with its beta = 0 control."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from flows.models import check_models
from flows.params import Params, load_params
from flows.prepare import prepare_chain
from flows.stages import run_stages, step
from flows.train import checkpoint_of, remove_superseded
from flows.view import progress_bar, say
from flows.workfolder import WorkFolder, writes_work
from jam_model.checkpoint import weights_hash
from jam_model.shards import TRAIN, VALIDATION
from jam_model.training_facts import check_guidance, read_facts
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pool import connect
from tasks.engine.table import Chain, Table
from tasks.fanout import PROMPT_COLUMNS, Prompt, prompts_of, take_sources
from tasks.generate import Generate
from tasks.models.codec import build_codec
from tasks.models.style_encoder import style_encoder_identity
from tasks.prefer import Pair, PreferParams, prefer
from tasks.round import TAKE_COLUMNS, RoundPairs, choose_pairs, policy_system, training_pairs
from tasks.score import Score
from tasks.train import TrainResult

ROUND = 1


@writes_work("dpo")
def run_dpo(params: Params, work: WorkFolder) -> dict[str, Path]:
    """One round from the fine-tuned model; returns the checkpoints ``dpo`` and ``dpo-control``."""
    check_models(params, "dpo")
    policy = checkpoint_of(work.checkpoint("sft"))
    rows = prepare_chain(params, work).rows(PROMPT_COLUMNS)
    prompts = prompts_of(rows, TRAIN, params.round.num_prompts)
    held_out = prompts_of(rows, VALIDATION, params.round.num_held_out)
    chain = take_chain(params, work, policy, [*prompts, *held_out])
    run_stages([chain], params.engine, work.receipts / f"round-{ROUND}")
    takes = [row for row in chain.rows(TAKE_COLUMNS) if row["drop_reason"] != "source_gone"]
    pairs, checks = (choose_pairs(group, takes, params.pair) for group in (prompts, held_out))
    pairs.write(work.round(ROUND) / "pairs.parquet")
    checks.write(work.round(ROUND) / "held-out.parquet")
    say(f"pair: {_told(pairs, len(prompts))}; held out: {_told(checks, len(held_out))}")
    if FlowRunContext.get() is not None:
        table = [{"prompt": row.song_id, **row.columns} for row in pairs.rows]
        create_table_artifact(
            key=f"pairs-{ROUND}", table=table, description="Winner and loser of every prompt"
        )
    latents = {row["song_id"]: row["latent_sung"] for row in chain.rows(["latent_sung"])}
    learn = training_pairs(pairs, latents, work.shards, TRAIN)
    check = training_pairs(checks, latents, work.shards, VALIDATION)
    control = params.dpo.model_copy(update={"beta": 0.0})
    found = {}
    for name, section in ((f"dpo-{ROUND}", params.dpo), (f"dpo-{ROUND}-control", control)):
        out = work.checkpoint(name) / _fingerprint(section, policy, pairs, checks)
        result = step(name, partial(_fit, name, section, learn, check, policy, params, out))
        remove_superseded(work.checkpoint(name), out)
        say(f"{name}: {_figures(result.figures)}")
        found[name] = out
    return found


def _fit(
    name: str,
    section: PreferParams,
    learn: list[Pair],
    check: list[Pair],
    policy: Path,
    params: Params,
    out: Path,
) -> TrainResult:
    if not (out / "done.json").is_file():
        connect(params.engine)
    silence_C = build_codec(params.codec).silence_C
    with progress_bar(name, "steps") as show:
        return prefer(
            section, learn, check, policy, silence_C, out, lambda done, total, loss: show(done, total)
        )


def take_chain(params: Params, work: WorkFolder, policy: Path, prompts: Sequence[Prompt]) -> Chain:
    """The table of a round's takes and the stages that sing and score them."""
    weights = weights_hash(policy)
    system = policy_system(f"round-{ROUND}", "takes", weights, params.sampler, prompts)
    table = Table(work.round(ROUND) / "table")
    sources = take_sources(prompts, system, ROUND, params.round.takes, params.round.seed)
    table.admit(sources, params.engine.partition_size)
    check_guidance(read_facts(policy), params.sampler.guidance, style_encoder_identity(params.style))
    generate = Generate(params.codec, params.style, {weights: str(policy.resolve())}, "")
    return Chain(table, [generate, Score(params.judge, "")], pythons=params.engine.pythons())


def _fingerprint(section: PreferParams, policy: Path, pairs: RoundPairs, checks: RoundPairs) -> str:
    rows = [[row.song_id, *row.columns.values()] for row in (*pairs.rows, *checks.rows)]
    return fingerprint([section.model_dump(mode="json"), weights_hash(policy), rows])


def _told(pairs: RoundPairs, prompts: int) -> str:
    refused = ", ".join(f"{reason} {count}" for reason, count in pairs.refusals.items())
    return f"{pairs.num_pairs} pairs from {prompts} prompts" + (f", refused {refused}" if refused else "")


def _figures(figures: dict[str, Any]) -> str:
    if not figures.get("num_held_out_pairs"):
        return "no held-out pairs"
    accuracy, count = figures["held_out_accuracy"], figures["num_held_out_pairs"]
    return f"implicit accuracy {accuracy:.2f} on {count} held-out pairs"


@flow(name="dpo", flow_run_name="dpo-{work}")
def dpo(work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> dict[str, str]:
    """One DPO round in a work folder with a fine-tuned model; returns the sha256 of both checkpoints.

    Args:
        work: a work folder with shards and a fine-tuned checkpoint.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return {name: weights_hash(path) for name, path in run_dpo(loaded, WorkFolder(Path(work))).items()}
