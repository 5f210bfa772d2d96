"""sensitivity: how a trained model answers when one thing of the request changes; inference only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.stats.intervals import Resampling
from flows.pipelines.checkpoints import kept_checkpoint
from flows.pipelines.flow_models import check_models
from flows.pipelines.stages import benchmark_stages, finished_rows, listening_pipeline, prepare_pipeline
from flows.pipelines.starts import any_checkpoint
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.project import Project, writes_work
from jam_model.checkpoint import weights_hash
from tasks.benchmark.report_inputs import measured_rows
from tasks.benchmark.sensitivity import KINDS, estimates, write_curves
from tasks.benchmark.song_metrics import TextStyles
from tasks.benchmark.system_metrics import measure
from tasks.benchmark.systems import benchmark_prompts
from tasks.models.phonemizer import build_phonemizer
from tasks.prompts.prompts import PROMPT_COLUMNS, system_sources


@writes_work("sensitivity")
def run_sensitivity(project: Project, kind: str, checkpoint: Path | None) -> Path:
    """Generate the benchmark's songs at every step, listen, and write numbers and figures; returns the JSON file.

    Raises:
        ValueError: a model cannot be used, there is no such test, or too few benchmark songs.
    """
    if kind not in KINDS:
        raise ValueError(f"sensitivity: {kind!r} is none of {', '.join(KINDS)}")
    params, work = project.params, project.work
    check_models(project, "benchmark")
    songs_root = project.songs_root
    rows = finished_rows(prepare_pipeline(project, songs_root), PROMPT_COLUMNS)
    section = params.benchmark.model_copy(update={"num_songs": params.sensitivity.num_songs})
    prompts, _ = benchmark_prompts(rows, section)
    path = any_checkpoint(checkpoint, params, work) if checkpoint else kept_checkpoint(work)
    project.keep_settings("sensitivity")
    weights = weights_hash(path)
    test = KINDS[kind](prompts, weights, params.sampler, params.sensitivity)
    pipeline = listening_pipeline(
        project,
        work.root / "sensitivity" / kind / "table",
        system_sources([step.system for step in test.steps], params.sensitivity.seed),
        {weights: path},
        benchmark_stages(project),
        songs_root,
    )
    run_stages([pipeline], params.engine, work.receipts / f"sensitivity-{kind}")
    heard = measured_rows([pipeline])
    resampling = Resampling(params.benchmark.num_resamples, params.sensitivity.seed)
    measured = measure(
        prompts, heard, [], build_phonemizer(params.models.phonemizer), TextStyles(), resampling
    )
    points = [(step.value, estimates(test, step, measured)) for step in test.steps]
    made_by = sorted({made for row in heard for made in row["made_by"]})
    folder = work.report(f"sensitivity-{kind}")
    written = write_curves(folder, test, points, weights, len(prompts), made_by)
    say(f"sensitivity: {written}")
    return written


@flow(name="sensitivity", flow_run_name="sensitivity-{kind}-{work_dir}")
def sensitivity(
    kind: str,
    work_dir: str = "data",
    checkpoint: str | None = None,
    params_file: str | None = None,
    overrides: Sequence[str] = (),
) -> str:
    """Test how sensitive a checkpoint is; returns the path of ``sensitivity.json``.

    Args:
        kind: timing or guidance.
        work_dir: a work folder with prepared songs.
        checkpoint: a checkpoint, or a folder that holds one; none: the kept one of the work folder.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    project = Project.at(work_dir, params_file, overrides)
    return str(run_sensitivity(project, kind, Path(checkpoint) if checkpoint else None))
