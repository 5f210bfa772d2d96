"""benchmark_external: any systems' songs (folders, checkpoints) on the songs of any manifest, beside the truth and reference songs, through the same stages.

The true songs are measured first: they are the ground-truth row, and say what is asked where the manifest does not. Then
the systems' folders, and checkpoints that sing the manifest. Each is a song table: what stands is not done again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flows.pipelines.benchmark_report import REPORT, BenchmarkSongs, write_benchmark
from flows.pipelines.checkpoints import each_checkpoint, whole_or_nothing
from flows.pipelines.external_tables import (
    checkpoint_pipeline,
    controlled_systems,
    folders_pipeline,
    reference_rows,
    truth_prompts,
)
from flows.pipelines.flow_models import check_models
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.project import Project, WorkFolder, writes_work
from tasks.benchmark.external_systems import (
    TRUTH,
    Request,
    first_names,
    folder_name,
    read_request,
    request_notes,
)
from tasks.benchmark.listening_test import standing_preferences
from tasks.benchmark.songs import Benchmark, in_their_languages
from tasks.prompts.prompts import System, policy_systems
from tasks.storage.files import write_json_lines


@writes_work("benchmark")
def run_benchmark_external(project: Project, request: Request) -> Path:
    """Judge every system, and write the report under ``benchmarks/<name>``; returns its page.

    Raises:
        ValueError: a model cannot be used, or the manifest, a folder or a checkpoint is not what it must be.
    """
    params, started = project.params, time.time()
    with whole_or_nothing(project.work):
        singers = each_checkpoint(request.checkpoints, project)
        request = replace(request, checkpoints=singers)
        check_models(project, "benchmark")
        songs, folders = read_request(request, params.benchmark.fields, params.ingest)
    songs = in_their_languages(songs, params.models.phonemizer.song_languages)
    name = params.benchmark.name or request.manifest.stem
    own = Project(params, WorkFolder(project.work.root / "benchmarks" / folder_name(name)))
    say(f"benchmark: {len(songs.songs)} songs in {request.manifest}")
    write_missing(songs, own.work)

    truth, prompts = truth_prompts(own, songs.songs, with_times=bool(request.checkpoints))
    sung = policy_systems(request.checkpoints, params.sampler, prompts)
    paths = {system.checkpoint: request.checkpoints[system.name] for system in sung}
    sung += controlled_systems(own, truth, prompts, sung, request.checkpoints)
    pipelines = [truth]
    if folders:
        pipelines.append(folders_pipeline(own, folders, prompts))
    if sung:
        pipelines.append(checkpoint_pipeline(own, sung, {one.name: paths[one.checkpoint] for one in sung}))
    for pipeline in pipelines[1:]:
        run_stages([pipeline], params.engine, own.work.receipts / REPORT)

    parts = [part for pipeline in pipelines for part in pipeline.partitions.values()]
    used = {source.facts.get("content_hash") for part in parts for source in part.sources}
    reference = reference_rows(project, own, request.reference, used)
    systems = [System(TRUTH, "Ground truth", {}, prompts)]
    systems += [System(folder.name, folder.name, {}, prompts) for folder in folders] + sung
    names = {system.name for system in systems}
    listening = standing_preferences(project.work.report("listen"), params.benchmark.resampling)
    measured = BenchmarkSongs(
        f"{name} songs, our protocol",
        f"{len(prompts)} songs, {len(systems)} systems",
        request_notes(songs, folders, prompts),
        prompts,
        systems,
        pipelines,
        {system.name: system.checkpoint for system in sung},
        reference,
        [one for one in listening if {one.left, one.right} <= names],
        {"reference": sorted(row["song_id"] for row in reference)},
        "flows.benchmark_external",
    )
    return write_benchmark(own, measured, started)


def write_missing(songs: Benchmark, own: WorkFolder) -> None:
    """List the rows of the manifest that are no song to judge by, and the songs whose true audio is not here."""
    if songs.refused:
        write_json_lines(own.refused, list(songs.refused))
        say(f"benchmark: {len(songs.refused)} rows are no song to judge by (see {own.refused})")
    if missing := songs.without_audio:
        path = own.root / "missing.jsonl"
        write_json_lines(path, [{"id": title} for title in missing])
        say(f"benchmark: the true audio of {len(missing)} songs is not here ({first_names(missing)}; {path})")


@flow(name="benchmark-external", flow_run_name="benchmark-external-{work_dir}")
def benchmark_external(
    manifest: str,
    systems: Sequence[str],
    checkpoints: Sequence[str] = (),
    reference: str | None = None,
    work_dir: str = "data",
    params_file: str | None = None,
    overrides: Sequence[str] = (),
) -> str:
    """Judge folders of audio and checkpoints on a manifest's songs; returns the path of the report.

    Args:
        manifest: a JSON list, JSON lines, CSV, Parquet, or the folder of a data set's snapshot.
        systems: ``NAME=DIR`` each, files named by song id.
        checkpoints: ``NAME=FOLDER`` each, which generate the manifest.
        reference: songs for FAD; none: the prepared training songs, if there are any.
        work_dir: a work folder; the benchmark lies under ``benchmarks/<name>`` in it.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    request = Request.of(manifest, systems, checkpoints, reference)
    return str(run_benchmark_external(Project.at(work_dir, params_file, overrides), request))
