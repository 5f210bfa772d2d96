"""benchmark: every system sings (or copies) the same songs; the same stages listen; then the report."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.context import FlowRunContext

from eval.report.write import write_report
from eval.results.report import STAMP, Report
from eval.results.wording import comparison_verdict, metric_verdict, quantity
from eval.stats.intervals import Resampling
from flows.pipelines.kept_round import ShownRound, shown_round, standing_rounds
from flows.pipelines.listening_answers import standing_preferences
from flows.pipelines.listening_stages import benchmark_stages, listening_chain
from flows.pipelines.prepare_stages import prepare_chain, songs_root_of
from flows.pipelines.report_inputs import (
    Mixes,
    decided_settings,
    heard_rows,
    report_recipe,
    run_facts,
    singing_rtf,
    text_styles,
)
from flows.pipelines.runs import checkpoint_of, untrained_checkpoint
from flows.run.notify import HOOKS
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.check_models import check_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from jam_model.checkpoint import weights_hash
from tasks.benchmark.external_systems import genre_of
from tasks.benchmark.report import ReportText, loss_curve, report_of
from tasks.benchmark.system_metrics import measure, windows_of
from tasks.benchmark.systems import CONTROL, DPO, TRAINED, UNTRAINED, benchmark_systems, questions
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Chain
from tasks.engine.table import Table
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.prompts.prompts import PROMPT_COLUMNS, Prompt, System, prompts_of, system_sources
from tasks.quality.summary import DATA_SET_COLUMNS, data_set_of
from tasks.storage.files import write_json
from tasks.storage.object_store import local_folder
from tasks.upkeep.rates import rates

REPORT = "benchmark"
RECIPE = "recipe.json"


@writes_work("benchmark")
def run_benchmark(params: Params, work: WorkFolder) -> Path:
    """Sing, listen, measure, and write the report, unless exactly this report stands; returns its page.

    Raises:
        ValueError: a model cannot be used, or the judge scores other axes than the report compares.
    """
    check_models(params, "benchmark")
    started = time.time()
    prepared = prepare_chain(params, work)
    rows = prepared.rows([*PROMPT_COLUMNS, *DATA_SET_COLUMNS, "window_embedding"])
    prompts, notes = benchmark_prompts(rows, params)
    shown = shown_round(work)
    checkpoints = standing_checkpoints(params, work, shown)
    hashes = {name: weights_hash(path) for name, path in checkpoints.items()}
    systems = benchmark_systems(
        prompts, hashes, params.sampler, params.benchmark, shown.title if shown else ""
    )
    chain = benchmark_chain(params, work, systems, {hashes[name]: path for name, path in checkpoints.items()})
    run_stages([chain], params.engine, work.receipts / REPORT)
    settings = {**decided_settings(params), "weights": hashes}
    rounds = standing_rounds(work)
    resampling = Resampling(params.benchmark.num_resamples, params.benchmark.seed)
    listening = standing_preferences(work, resampling)
    recipe = report_recipe(
        [prepared, chain],
        settings,
        rounds=fingerprint(rounds.record()) if rounds else None,
        listening=fingerprint([asdict(one) for one in listening]),
    )
    folder = work.report(REPORT)
    if stands(folder, recipe):
        say(f"report: up to date, {folder / 'report.html'}")
        return folder / "report.html"
    training = [row for row in rows if row["split"] == "train" and not row["drop_reason"]]
    measured = measure(
        prompts,
        heard_rows([chain]),
        windows_of(training),
        build_phonemizer(params.phonemizer),
        text_styles(prompts, build_style_encoder(params.style), params.benchmark.genres),
        resampling,
    )
    report = report_of(
        measured,
        systems,
        params.benchmark,
        ReportText(
            "From songs to a song model",
            f"{len(prompts)} benchmark songs, {len(systems)} systems",
            [*notes, "All models sing from the same noise."],
        ),
        Mixes([chain]),
        settings,
        run_facts(started, singing_rtf(chain, work.receipts / REPORT)),
        questions(measured, params.benchmark),
    )
    logs = {name: path / "log.jsonl" for name, path in _training_runs(work, shown).items()}
    data_set = data_set_of(rows, params.filter, rates(prepared, work.receipts / "prepare"))
    losses = [loss_curve(name, log) for name, log in logs.items()]
    report = replace(report, losses=losses, data_set=data_set, rounds=rounds, listening=listening)
    return finish_report(report, folder, recipe)


def benchmark_prompts(rows: Sequence[Mapping[str, Any]], params: Params) -> tuple[list[Prompt], list[str]]:
    """The benchmark's songs of a prepared table, and a note where some could not be one.

    A song that came without lyrics has the words of the recogniser, which cannot judge what it hears.
    """
    written = [row for row in rows if row["lyrics"] is not None]
    by_ear = sum(
        row["split"] == "benchmark" and not row["drop_reason"] and row["lyrics"] is None for row in rows
    )
    prompts = [
        replace(prompt, genre=genre_of(None, prompt.style_text, params.benchmark.genres))
        for prompt in prompts_of(written, "benchmark", params.benchmark.num_songs)
    ]
    note = f"{by_ear} songs that came without lyrics are left out: the recogniser wrote their words itself."
    return prompts, [note] if by_ear else []


def finish_report(report: Report, folder: Path, recipe: Mapping[str, Any]) -> Path:
    """Write the report's files, its recipe last, and tell of them; returns the page."""
    (folder / RECIPE).unlink(missing_ok=True)  # a kill from here on leaves a report that does not stand
    with local_folder(folder) as here:
        write_report(report, here)
    write_json(folder / "metrics.json", flat_metrics(report))
    write_json(folder / RECIPE, dict(recipe))
    _publish(report, folder / "report.html")
    return folder / "report.html"


def stands(folder: Path, recipe: Mapping[str, Any]) -> bool:
    """Whether the report in this folder was made from exactly this; its recipe is written last."""
    path = folder / RECIPE
    return path.is_file() and json.loads(path.read_text()) == recipe and (folder / "report.html").is_file()


def flat_metrics(report: Report) -> dict[str, dict[str, float | None]]:
    """Every system's values alone: what `dvc metrics` shows and compares."""
    return {
        system.name: {metric.name: system.estimate(metric.name).value for metric in report.metrics}
        for system in report.systems
    }


def standing_checkpoints(params: Params, work: WorkFolder, shown: ShownRound | None) -> dict[str, Path]:
    """The checkpoints to be benchmarked: untrained and trained, and those of the DPO round to be shown."""
    found = {UNTRAINED: untrained_checkpoint(params, work), TRAINED: checkpoint_of(work.checkpoint("sft"))}
    if shown is not None:
        found[DPO] = shown.policy
        if shown.control is not None:
            found[CONTROL] = shown.control
    return found


def benchmark_chain(
    params: Params,
    work: WorkFolder,
    systems: Sequence[System],
    checkpoints: Mapping[str, Path],
) -> Chain:
    """The table of all systems' songs, and the stages that listen to them."""
    table = Table(work.benchmark / "table", PROMPTED_COLUMNS, songs_root_of(params))
    table.admit(system_sources(systems, params.benchmark.seed), params.engine.partition_size)
    return listening_chain(params, table, checkpoints, benchmark_stages(params))


def _training_runs(work: WorkFolder, shown: ShownRound | None) -> dict[str, Path]:
    found = {
        name: checkpoint_of(work.checkpoint(name))
        for name in ("pretrain", "sft")
        if work.checkpoint(name).is_dir()
    }
    if shown is not None:
        found[f"dpo-{shown.number}"] = shown.policy
        if shown.control is not None:
            found[f"dpo-{shown.number}-control"] = shown.control
    return found


def _publish(report: Report, page: Path) -> None:
    say(f"report: {page}")
    if FlowRunContext.get() is None:
        return
    for key, table in _artifacts(report).items():
        create_table_artifact(key=key, table=table, description=report.title)
    create_link_artifact(key="report", link=page.resolve().as_uri(), link_text="report.html")


def _artifacts(report: Report) -> dict[str, list[dict[str, str]]]:
    """The leaderboard, the line above each metric's table, and the questions with their answers."""
    leading = [report.metric(name) for name in report.headline] or report.metrics
    return {
        "benchmark": [
            {"system": one.title, "stamp": STAMP if one.stand_in else ""}
            | {metric.title: quantity(metric, one.estimate(metric.name)) for metric in leading}
            for one in report.systems
        ],
        "verdicts": [
            {"metric": metric.title, "verdict": metric_verdict(report, metric)} for metric in report.metrics
        ],
        "questions": [
            {"question": one.question, "answer": comparison_verdict(report, one)}
            for one in report.comparisons
        ],
    }


@flow(name="benchmark", flow_run_name="benchmark-{work}", **HOOKS)
def benchmark(work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> str:
    """Benchmark the checkpoints of a work folder; returns the path of the report.

    Args:
        work: a work folder with a fine-tuned checkpoint.
        params: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        settings: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return str(run_benchmark(loaded, WorkFolder.at(work)))
