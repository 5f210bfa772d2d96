"""benchmark: every system sings (or copies) the same songs; the same stages listen; then the report."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.context import FlowRunContext

from eval.intervals import Resampling
from eval.report import Report
from eval.report_files import ReportFiles, write_report
from eval.wording import quantity
from flows.models import check_models
from flows.params import Params, load_params
from flows.prepare import prepare_chain, songs_root_of
from flows.stages import run_stages
from flows.train import checkpoint_of, untrained_checkpoint
from flows.view import say
from flows.workfolder import WorkFolder, writes_work
from jam_model.checkpoint import weights_hash
from jam_model.training_facts import check_guidance, read_facts
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
from tasks.engine.table import Chain, Table
from tasks.fanout import PROMPT_COLUMNS, System, prompts_of, system_sources
from tasks.generate import Generate
from tasks.measure import MEASURED_COLUMNS, frechet_reference, measure
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import style_encoder_identity
from tasks.score import Score
from tasks.separate import Separate
from tasks.style import Style
from tasks.transcribe import Transcribe

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
    songs_root = songs_root_of(params)
    prepared = prepare_chain(params, work, songs_root)
    rows = prepared.rows([*PROMPT_COLUMNS, *DATA_SET_COLUMNS, "window_embedding"])
    prompts = prompts_of(rows, "benchmark", params.benchmark.num_songs)
    checkpoints = standing_checkpoints(params, work)
    hashes = {name: weights_hash(path) for name, path in checkpoints.items()}
    systems = benchmark_systems(prompts, hashes, params.sampler, params.benchmark)
    chain = benchmark_chain(
        params, work, systems, {hashes[name]: path for name, path in checkpoints.items()}, songs_root
    )
    run_stages([chain], params.engine, work.receipts / REPORT)
    recipe = report_recipe(params, prepared, chain, hashes)
    folder = work.report(REPORT)
    if stands(folder, recipe):
        say(f"report: up to date, {folder / 'report.html'}")
        return folder / "report.html"
    training = [row for row in rows if row["split"] == "train" and not row["drop_reason"]]
    measured = measure(
        prompts,
        [
            row
            for row in chain.rows([*MEASURED_COLUMNS, "checkpoint", "audio"])
            if row["drop_reason"] != "source_gone"
        ],
        frechet_reference(training),
        build_phonemizer(params.phonemizer),
        Resampling(params.benchmark.num_resamples, params.benchmark.seed),
    )
    logs = {path.parent.name: path / "log.jsonl" for path in _training_runs(work)}
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
    )
    (folder / RECIPE).unlink(missing_ok=True)  # a kill from here on leaves a report that does not stand
    files = write_report(report, folder)
    write_json(folder / "metrics.json", flat_metrics(report))
    write_json(folder / RECIPE, recipe)
    _publish(report, files)
    return files.html


def report_recipe(params: Params, prepared: Chain, chain: Chain, hashes: Mapping[str, str]) -> dict[str, Any]:
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
    code = [sha256_of_file(path) for path in sources if path.suffix in (".py", ".css", ".js")]
    settings = params.model_dump(mode="json", exclude={"engine", "toy", "songs"})
    return {
        "columns": fingerprint(columns),
        "code": fingerprint(code),
        "settings": settings,
        "weights": dict(hashes),
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


def standing_checkpoints(params: Params, work: WorkFolder) -> dict[str, Path]:
    """The checkpoints to be benchmarked: untrained and trained, and those of the last DPO round if there is one."""
    found = {UNTRAINED: untrained_checkpoint(params, work), TRAINED: checkpoint_of(work.checkpoint("sft"))}
    for name, run in ((DPO, "dpo-1"), (CONTROL, "dpo-1-control")):
        if work.checkpoint(run).is_dir():
            found[name] = checkpoint_of(work.checkpoint(run))
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
    always = params.transcribe.model_copy(update={"when": "always"})
    ungated = params.transcriber.model_copy(update={"min_confidence": params.benchmark.min_confidence})
    vocals_only = params.separate.model_copy(update={"stems": "vocals"})
    for path in checkpoints.values():
        check_guidance(read_facts(path), params.sampler.guidance, style_encoder_identity(params.style))
    where = {weights: os.path.abspath(path) for weights, path in checkpoints.items()}
    return Chain(
        table,
        [
            Generate(params.codec, params.style, where, songs_root),
            Separate(vocals_only, songs_root),
            Transcribe(always, ungated),
            Style(params.style, songs_root),
            Score(params.judge, songs_root),
        ],
        pythons=params.engine.pythons(),
    )


def _training_runs(work: WorkFolder) -> list[Path]:
    names = ("pretrain", "sft", "dpo-1", "dpo-1-control")
    return [checkpoint_of(work.checkpoint(name)) for name in names if work.checkpoint(name).is_dir()]


def _publish(report: Report, files: ReportFiles) -> None:
    say(f"report: {files.html}")
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
    create_link_artifact(key="report", link=files.html.resolve().as_uri(), link_text="report.html")


@flow(name="benchmark", flow_run_name="benchmark-{work}")
def benchmark(work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> str:
    """Benchmark the checkpoints of a work folder; returns the path of the report.

    Args:
        work: a work folder with a fine-tuned checkpoint.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return str(run_benchmark(loaded, WorkFolder(Path(work))))
