"""Commands `benchmark`, `report`, `study`: their options, such as `--manifest`, `--system`, `--checkpoint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import (
    DATA,
    NONE,
    Overrides,
    ParamsFile,
    Work,
    app,
    begin,
    ready,
    run_unless_standing,
    start_prefect,
    text,
)


@app.command()
def benchmark(
    work: Work = DATA,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="Songs to judge by: a manifest, or a data set's snapshot."),
    ] = None,
    system: Annotated[
        list[str], typer.Option("--system", help="NAME=DIR: a folder of audio, files named by song id.")
    ] = NONE,
    checkpoint: Annotated[
        list[str],
        typer.Option(
            "--checkpoint",
            help="NAME=FOLDER: a checkpoint that generates the manifest; nothing named: the kept one of WORK.",
        ),
    ] = NONE,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Songs (folder or manifest) for FAD.")
    ] = None,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Measure the checkpoints of a work folder, or any systems on a manifest's songs, and write the report."""
    if manifest is None and (system or checkpoint or reference):
        raise ValueError(
            "manifest: --system, --checkpoint and --reference need --manifest, the songs to judge by"
        )
    begin("benchmark", work)
    project = ready(work, params_file, overrides, "benchmark", reads_work=manifest is None)
    if manifest is not None:
        from flows.pipelines.checkpoints import kept_checkpoint
        from tasks.benchmark.external_systems import Request, read_request

        if not (system or checkpoint) and project.work.checkpoint("sft").is_dir():
            checkpoint = [f"kept={kept_checkpoint(project.work)}"]
        request = Request.of(str(manifest), system, checkpoint, text(reference))
        params = project.params
        read_request(request, params.benchmark.fields, params.ingest)  # refused before anything is loaded
    from flows.console.measured import print_report, report_in

    settings = (str(work), text(params_file), overrides)
    if manifest is None:
        from flows.benchmark import benchmark as flow
        from flows.benchmark import run_benchmark

        run_unless_standing(project, lambda: run_benchmark(project), lambda: flow(*settings))
        print_report(report_in(work))
    else:
        start_prefect(project)
        from flows.benchmark_external import benchmark_external

        page = benchmark_external(str(manifest), system, checkpoint, text(reference), *settings)
        print_report(report_in(Path(page).parents[2]))


@app.command()
def report(
    work: Work = DATA,
    path: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Another one: its report.html or report.json, or the folder that holds them."
        ),
    ] = None,
) -> None:
    """Show the last report's table and where it lies."""
    from flows.console.measured import last_report, print_report, report_at

    print_report(report_at(path) if path else last_report(work))


@app.command()
def study(
    kind: Annotated[
        str,
        typer.Argument(
            help="timing-noise: wrong word times; times: what word times are worth; phones: those of phones; quantised: word times on "
            "beats; long-form: windows of songs generated in one pass; guidance: scales of the lyrics."
        ),
    ],
    work: Work = DATA,
    checkpoint: Annotated[
        list[str],
        typer.Option(
            "--checkpoint",
            help="A checkpoint, or a folder that holds one; several: each a run of its own; none: the kept one. NAME=FOLDER: of another "
            "training, for `phones` and `quantised`.",
        ),
    ] = NONE,
    times: Annotated[
        list[str],
        typer.Option(
            "--times", help="NAME=FOLDER of word times that somebody wrote, <song id>.json each, for `times`."
        ),
    ] = NONE,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Put a question to a trained model: generate the benchmark's songs again while one thing changes."""
    begin("study", work)
    from tasks.studies.kinds import KINDS

    if kind not in KINDS:
        raise ValueError(f"study: {kind!r} is none of {', '.join(KINDS)}")
    project = ready(work, params_file, overrides, "benchmark", reads_work=not checkpoint)
    from flows.console.measured import print_study
    from flows.study import run_study
    from flows.study import study as flow

    page = run_unless_standing(
        project,
        lambda: str(run_study(project, kind, [Path(place) for place in checkpoint], times)),
        lambda: flow(kind, str(work), checkpoint, text(params_file), overrides, times),
    )
    print_study(Path(page))
