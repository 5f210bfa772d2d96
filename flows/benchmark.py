"""benchmark: every system sings (or copies) the same songs; the same stages listen; then the report."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.context import FlowRunContext

from eval.intervals import Resampling
from eval.report import Report
from eval.report_files import write_report
from eval.rounds import RoundsReport
from eval.wording import quantity
from flows.blind import standing_preferences
from flows.listen import listening_chain
from flows.models import check_models
from flows.notify import HOOKS
from flows.params import Params, load_params
from flows.prepare import prepare_chain, songs_root_of
from flows.rounds_kept import ShownRound, shown_round, standing_rounds
from flows.stages import run_stages
from flows.train import checkpoint_of, untrained_checkpoint
from flows.view import say
from flows.workfolder import WorkFolder
from jam_model.checkpoint import weights_hash
from tasks.benchmark import (
    CONTROL,
    DPO,
    TRAINED,
    UNTRAINED,
    benchmark_systems,
    loss_curve,
    report_of,
)
from tasks.data_set import DATA_SET_COLUMNS, data_set_of
from tasks.engine.files import write_json
from tasks.engine.fingerprint import fingerprint, sha256_of_file
from tasks.engine.rates import rates
from tasks.engine.store import local_folder
from tasks.engine.table import Chain, Table
from tasks.fanout import PROMPT_COLUMNS, System, prompts_of, system_sources
from tasks.measure import MEASURED_COLUMNS, frechet_reference, measure
from tasks.models.phonemizer import build_phonemizer

REPORT = "benchmark"
RECIPE = "recipe.json"


def run_benchmark(params: Params, work: WorkFolder) -> Path:
    """Sing, listen, measure, and write the report, unless exactly this report stands; returns its page.

    Raises:
        ValueError: a model cannot be used, or the judge scores other axes than the report compares.
    """
    check_models(params, "benchmark")
    started = time.time()
    songs_root = songs_root_of(params)
    prepared = prepare_chain(params, work, songs_root)
    rows = prepared.rows([*PROMPT_COLUMNS, *DATA_SET_COLUMNS, "window_embedding"])
    prompts = prompts_of(rows, "benchmark", params.benchmark.num_songs)
    shown = shown_round(work)
    checkpoints = standing_checkpoints(params, work, shown)
    hashes = {name: weights_hash(path) for name, path in checkpoints.items()}
    systems = benchmark_systems(
        prompts, hashes, params.sampler, params.benchmark, shown.title if shown else ""
    )
    chain = benchmark_chain(
        params, work, systems, {hashes[name]: path for name, path in checkpoints.items()}, songs_root
    )
    run_stages([chain], params.engine, work.receipts / REPORT)
    rounds = standing_rounds(work)
    resampling = Resampling(params.benchmark.num_resamples, params.benchmark.seed)
    listening = standing_preferences(work, resampling)
    recipe = {
        **report_recipe(params, prepared, chain, hashes, rounds),
        "listening": fingerprint([asdict(one) for one in listening]),
    }
    folder = work.report(REPORT)
    if stands(folder, recipe):
        say(f"report: up to date, {folder / 'report.html'}")
        return folder / "report.html"
    training = [row for row in rows if row["split"] == "train" and not row["drop_reason"]]
    measured = measure(
        prompts,
        [
            row
            for row in chain.rows([*MEASURED_COLUMNS, "checkpoint", "seed", "recipe", "audio"])
            if row["drop_reason"] != "source_gone"
        ],
        frechet_reference(training),
        build_phonemizer(params.phonemizer),
        resampling,
    )
    logs = {name: path / "log.jsonl" for name, path in _training_runs(work, shown).items()}
    report = report_of(
        measured,
        systems,
        params.benchmark,
        data_set_of(rows, params.filter, rates(prepared, work.receipts / "prepare")),
        [loss_curve(name, log) for name, log in logs.items()],
        settings={**params.model_dump(mode="json", exclude={"engine", "toy", "songs"}), "weights": hashes},
        run={
            "date": time.strftime("%Y-%m-%d"),
            "seconds": round(time.time() - started),
            "machine": platform.machine(),
        },
        songs_root=songs_root,
        rounds=rounds,
    )
    with local_folder(folder) as here:
        write_report(replace(report, listening=listening), here)
    write_json(folder / "metrics.json", flat_metrics(report))
    write_json(folder / RECIPE, recipe)
    _publish(report, folder / "report.html")
    return folder / "report.html"


def report_recipe(
    params: Params,
    prepared: Chain,
    chain: Chain,
    hashes: Mapping[str, str],
    rounds: RoundsReport | None,
) -> dict[str, Any]:
    """All that decides a report: the songs' column files, the settings, and the code that measures."""
    columns = [
        one.path(stage, number).name
        for one in (prepared, chain)
        for stage in one.stages
        for number in one.partitions
    ]
    house = Path(__file__).resolve().parent.parent
    sources = [
        *sorted((house / "eval").rglob("*.*")),
        house / "tasks/measure.py",
        house / "tasks/benchmark.py",
    ]
    code = [sha256_of_file(path) for path in sources if path.suffix in (".py", ".css", ".js", ".json")]
    settings = params.model_dump(mode="json", exclude={"engine", "toy", "songs"})
    return {
        "columns": fingerprint(columns),
        "code": fingerprint(code),
        "settings": settings,
        "weights": dict(hashes),
        "rounds": fingerprint(rounds.record()) if rounds else None,
    }


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
    songs_root: str,
) -> Chain:
    """The table of all systems' songs, and the stages that listen to them."""
    table = Table(work.benchmark / "table")
    table.admit(system_sources(systems, params.benchmark.seed), params.engine.partition_size)
    return listening_chain(params, table, checkpoints, songs_root)


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
    columns = ("wer", "acoustic_per", "style_similarity", "judge_mean")
    table = [
        {
            "system": system.title,
            **{name: quantity(report.metric(name), system.estimate(name)) for name in columns},
        }
        for system in report.systems
    ]
    create_table_artifact(key="benchmark", table=table, description=report.title)
    create_link_artifact(key="report", link=page.resolve().as_uri(), link_text="report.html")


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
