"""sweep: ways of preference training side by side, from one fine-tuned model and one set of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from eval.pages.sweep import sweep_html, sweep_json
from eval.results.sweep import Sweep, SweepRow
from eval.results.wording import interval, number
from flows.dpo import RoundSongs, round_songs
from flows.pipelines.listening_stages import generate_stage
from flows.pipelines.round import SungPairs, sing_pairs, told
from flows.pipelines.runs import checkpoint_of, remove_superseded
from flows.run.prefect_tasks import run_stages, step
from flows.run.progress import progress_bar, say
from flows.settings.check_models import check_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from jam_model.checkpoint import weights_hash
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Chain
from tasks.engine.table import Table
from tasks.models.codec import build_codec
from tasks.preference.dpo import preference_run
from tasks.preference.pair_store import write_pairs
from tasks.preference.sweep import (
    ARMS,
    METRICS,
    SONG_COLUMNS,
    START,
    Arm,
    labelled,
    sung_by,
    sweep_rows,
    system_of,
)
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.prompts.prompts import Prompt, policy_system, system_sources
from tasks.stages.reward import Reward
from tasks.stages.score import Score
from tasks.stages.style import Style
from tasks.storage.files import remove_tree, write_bytes, write_json
from tasks.trainer.many_runs import fit_all

Trained = dict[str, dict[str, Any]]
"""A finished run's weights (``weights``), folder (``checkpoint``) and figures, by `system_of`."""


@writes_work("sweep")
def run_sweep(params: Params, work: WorkFolder) -> Path:
    """Sing, pair, train every arm from every seed, sing again, compare; returns the page.

    Everything lies in ``sweep/``: what of it stands is found, not made.

    Raises:
        ValueError: a model cannot be used, there are too few songs, or no prompt gave a pair.
    """
    check_models(params, "dpo")
    songs = round_songs(params, work, params.sweep.num_prompts)
    first, folder = checkpoint_of(work.checkpoint("sft")), work.root / "sweep"
    prompts = songs.of_round(1, params.round.num_prompts)
    made = sing_pairs(params, work, folder / "takes", 1, prompts, first)
    say(f"pair: sweep: {told(made.learn)}; held out: {told(made.check)}")
    trained = step("sweep-train", lambda: train_arms(params, folder, first, made))
    rows = sing(params, work, folder, songs.gate, {START: first} | checkpoints(trained))
    sweep = compared(params, songs, made, trained, rows)
    for row in (*sweep.arms, *sweep.contrasts):
        say(f"sweep: {line_of(row)}")
    write_json(folder / "sweep.json", sweep_json(sweep))
    page = folder / "sweep.html"
    write_bytes(page, sweep_html(sweep).encode())
    say(f"sweep: {page}")
    return page


def train_arms(params: Params, folder: Path, first: Path, made: SungPairs) -> Trained:
    """Every arm from every seed, side by side; each result also stands in ``results/<arm>-s<seed>.json``."""
    silence_C = build_codec(params.codec).silence_C
    learn, check = made.tensors
    held_out = write_pairs(folder / "pairs" / "held-out", check)
    names, runs = [], []
    for arm in ARMS:
        for seed in params.sweep.seeds:
            pairs = write_pairs(folder / "pairs" / pairs_name(arm, seed), labelled(learn, arm.labels, seed))
            section = arm.section(params.dpo, seed)
            recipe = [section.model_dump(mode="json"), weights_hash(first), pairs.digest, held_out.digest]
            out = folder / "runs" / system_of(arm.name, seed) / fingerprint(recipe)
            names.append(system_of(arm.name, seed))
            runs.append(preference_run(section, pairs, held_out, first, silence_C, out))
    with progress_bar("sweep", "runs") as show:
        done = fit_all(runs, params.engine, show)
    trained: Trained = {}
    for name, run, facts in zip(names, runs, done, strict=True):
        trained[name] = {"weights": facts["weights"], "checkpoint": run.out, "figures": facts["figures"]}
        remove_superseded(run.out.parent, run.out)
        if (run.out / "steps").is_dir():
            remove_tree(run.out / "steps")  # the run is done: its state is its weights
        write_json(
            folder / "results" / f"{name}.json", {**facts, "params": run.params.model_dump(mode="json")}
        )
    return trained


def pairs_name(arm: Arm, seed: int) -> str:
    """The folder of the pairs an arm learns from; only those at random differ from seed to seed."""
    return f"random-s{seed}" if arm.labels == "random" else arm.labels


def checkpoints(trained: Trained) -> dict[str, Path]:
    """Where the weights lie, by `system_of`."""
    return {name: facts["checkpoint"] for name, facts in trained.items()}


def sing(
    params: Params, work: WorkFolder, folder: Path, prompts: Sequence[Prompt], models: Mapping[str, Path]
) -> list[dict[str, Any]]:
    """Every model sings the same prompts from the same noise; only what the comparison needs is measured."""
    weights = {name: weights_hash(path) for name, path in models.items()}
    systems = [policy_system(name, name, weights[name], params.sampler, prompts) for name in models]
    table = Table(folder / "songs", PROMPTED_COLUMNS)
    table.admit(system_sources(systems, params.sweep.seed), params.engine.partition_size)
    stages = [
        generate_stage(params, {weights[name]: path for name, path in models.items()}),
        Score(params.judge),
        Reward(params.reward, params.judge),
        Style(params.style),
    ]
    chain = Chain(table, stages, pythons=params.engine.pythons())
    run_stages([chain], params.engine, work.receipts / "sweep-songs")
    return [row for row in chain.rows([*SONG_COLUMNS, "made_by"]) if row["drop_reason"] != "source_gone"]


def compared(
    params: Params, songs: RoundSongs, made: SungPairs, trained: Trained, rows: list[dict[str, Any]]
) -> Sweep:
    """What every arm changed, with what has to be known to read it."""
    figures = {name: facts["figures"] for name, facts in trained.items()}
    arms, contrasts = sweep_rows(sung_by(songs.gate, rows), figures, params.sweep, songs.reference)
    seeds = ", ".join(str(seed) for seed in params.sweep.seeds)
    notes = [
        f"{told(made.learn)}; held out: {told(made.check)}",
        f"{params.dpo.steps} steps of {params.dpo.batch_size * params.dpo.num_workers} pairs, seeds {seeds}; beta "
        f"{params.dpo.beta:g}, flow errors are means over {params.dpo.error_over.replace('_', ' ')}; a term weighs "
        f"{params.dpo.term_weight:g}",
        f"{params.sweep.num_prompts} validation songs, each sung once by every model from the same noise",
    ]
    parts = (part for row in rows for entry in row["made_by"] for part in entry.split())
    made_by = sorted({part for part in parts if "/" in part})
    return Sweep(METRICS, arms, contrasts, notes, made_by)


def line_of(row: SweepRow) -> str:
    """One row in words."""
    told = []
    for metric in METRICS:
        change = row.changes[metric.name]
        shown = f"{metric.title.lower()} {number(metric, change.estimate.value)}"
        told.append(f"{shown} {interval(metric, change.estimate)}{' *' if change.claim else ''}".strip())
    return f"{row.name}: {', '.join(told)}"


@flow(name="sweep", flow_run_name="sweep-{work}")
def sweep(work: str = "data", params: str | None = None, settings: tuple[str, ...] = ()) -> str:
    """Sweep in a work folder with a fine-tuned model; returns the path of the page.

    Args:
        work: a work folder with shards and a fine-tuned checkpoint.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return str(run_sweep(loaded, WorkFolder.at(work)))
