"""benchmark: every system (trained checkpoints, rounds, rows of truth) generates or copies the same prompts; the same stages measure them; then the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval.results.report import Report
from flows.pipelines.benchmark_report import REPORT, BenchmarkSongs, write_benchmark
from flows.pipelines.checkpoints import begun_from, is_foreign, reported_checkpoint, start_behind
from flows.pipelines.copying import copies_of
from flows.pipelines.flow_models import check_models
from flows.pipelines.needs import check_enough, too_few_kept
from flows.pipelines.old_songs import listed_old_songs, sung_again
from flows.pipelines.rounds import ShownRound, shown_round, standing_rounds
from flows.pipelines.runs import checkpoint_of, untrained_checkpoint
from flows.pipelines.stages import benchmark_stages, finished_rows, listening_pipeline, prepare_pipeline
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_stages
from flows.settings.project import Project, WorkFolder, writes_work
from jam_model.checkpoint import load_config, weights_hash
from tasks.benchmark.control_rows import control_columns, control_names, with_own_controls
from tasks.benchmark.listening_test import standing_preferences
from tasks.benchmark.report import heard_songs, loss_curve
from tasks.benchmark.report_inputs import columns_of
from tasks.benchmark.system_metrics import Measured
from tasks.benchmark.systems import (
    CONTROL,
    DPO,
    START,
    TRAINED,
    UNTRAINED,
    benchmark_prompts,
    benchmark_systems,
    questions,
)
from tasks.prompts.prompts import PROMPT_COLUMNS, system_sources, unknown_phones
from tasks.quality.summary import DATA_SET_COLUMNS, data_set_of
from tasks.upkeep.rates import rates


@writes_work("benchmark")
def run_benchmark(project: Project) -> Path:
    """Generate, measure, and write the report, unless exactly this report stands; returns its page.

    Raises:
        ValueError: a model cannot be used, or the judge scores other axes than the report compares.
    """
    params, work, started = project.params, project.work, time.time()
    check_models(project, "benchmark")
    listed = listed_old_songs(project)
    songs_root = project.songs_root
    prepared = prepare_pipeline(project, songs_root)
    rows = finished_rows(
        prepared, [*PROMPT_COLUMNS, *DATA_SET_COLUMNS, "window_embedding", "duplicate_group", "content_hash"]
    )
    check_enough(too_few_kept(params, rows, "benchmark"))
    prompts, notes = benchmark_prompts(rows, params.benchmark)
    project.keep_settings("benchmark")

    shown, rounds = shown_round(work), standing_rounds(work)
    trained = reported_checkpoint(work, rounds.rows[0].weights if shown and rounds else None)
    begun, start = begun_from(trained), start_behind(work, trained)
    config = load_config(trained)
    checkpoints = {UNTRAINED: untrained_checkpoint(project, config), TRAINED: trained}
    checkpoints |= {START: start} if start else {}
    checkpoints |= shown.checkpoints(DPO, CONTROL) if shown else {}
    weights = {name: weights_hash(path) for name, path in checkpoints.items()}
    looks = params.copies.is_on(began_elsewhere=begun is not None)
    titles = {START: f"As it came: {begun.name}"} if begun else {}
    titles |= {TRAINED: titles[START]} if is_foreign(work, trained) else {}
    titles |= {DPO: shown.title} if shown else {}
    names = control_names(params.benchmark.controls, trained)
    columns = control_columns(names, prepared.columns) if names else []
    asked = finished_rows(prepared, ["duration_s", *columns]) if names else []
    controlled = with_own_controls(prompts, asked, names) if names else []
    systems = benchmark_systems(prompts, weights, params.sampler, params.benchmark, titles, controlled)
    notes = [
        *notes,
        *([f"Training began with {begun.sentence}; nothing was pretrained here."] if begun else []),
        *([f"{unknown}."] if (unknown := unknown_phones(prompts, config.filler)) else []),
    ]
    pipeline = listening_pipeline(
        project,
        work.benchmark / "table",
        system_sources(systems, params.benchmark.seed),
        {weights[name]: path for name, path in checkpoints.items()},
        benchmark_stages(project),
        songs_root,
    )
    run_stages([pipeline], params.engine, work.receipts / REPORT)
    learned = [row for row in rows if row["split"] == "train" and not row["drop_reason"]]
    old = None
    if start or is_foreign(work, trained):
        old = sung_again(project, listed, checkpoints, {row["content_hash"] for row in learned})

    runs = training_runs(work, shown)
    heard = [song for name, path in runs.items() for song in heard_songs(name, path)]
    songs = BenchmarkSongs(
        "From songs to a song model",
        f"{len(prompts)} benchmark songs, {len(systems)} systems",
        [*notes, "All models generate from the same noise."],
        prompts,
        systems,
        [pipeline],
        weights,
        learned,
        standing_preferences(work.report("listen"), params.benchmark.resampling),
        {
            "prepared": columns_of([prepared]),
            "rounds": rounds.record() if rounds else None,
            **({"copies": params.copies.decides()} if looks else {}),
            **({"old_songs": old.key} if old else {}),
            **(
                {"heard": [(one.training, one.step, one.song_id, one.scores) for one in heard]}
                if heard
                else {}
            ),
        },
        "flows.benchmark",
    )

    def complete(report: Report, measured: Measured) -> Report:
        """With the questions, the training, the rounds and the data set."""
        return replace(
            report,
            comparisons=[
                *questions(measured, params.benchmark, was_trained=not is_foreign(work, trained)),
                *(old.comparisons() if old else []),
            ],
            losses=[loss_curve(name, path / "log.jsonl") for name, path in runs.items()],
            heard=heard,
            rounds=rounds,
            copies=copies_of(project, prepared, rows, measured, pipeline) if looks else None,
            data_set=data_set_of(rows, params.filter, rates(prepared, work.receipts / "prepare")),
        )

    return write_benchmark(project, songs, started, complete)


def training_runs(work: WorkFolder, shown: ShownRound | None) -> dict[str, Path]:
    """The trainings whose losses the report shows, in order."""
    folders = {name: work.checkpoint(name) for name in ("pretrain", "sft")}
    found = {name: checkpoint_of(folder) for name, folder in folders.items() if folder.is_dir()}
    return found | (shown.checkpoints(f"dpo-{shown.number}", f"dpo-{shown.number}-control") if shown else {})


@flow(name="benchmark", flow_run_name="benchmark-{work_dir}")
def benchmark(work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Benchmark the checkpoints of a work folder; returns the path of the report.

    Args:
        work_dir: a work folder with a fine-tuned checkpoint.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    return str(run_benchmark(Project.at(work_dir, params_file, overrides)))
