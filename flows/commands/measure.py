"""Commands `benchmark`, `report`, `sensitivity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import DATA, NONE, Overrides, ParamsFile, Work, app, project_at, ready, text


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
        list[str], typer.Option("--checkpoint", help="NAME=FOLDER: a checkpoint that generates the manifest.")
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
    if manifest is not None:
        from tasks.benchmark.external_systems import Request, read_request

        params = project_at(work, params_file, overrides).params
        request = Request.of(str(manifest), system, checkpoint, text(reference))
        read_request(request, params.benchmark.fields, params.ingest)  # refused before anything is loaded
    ready(work, params_file, overrides, "benchmark")
    from flows.console.measured import print_report, report_in

    settings = (str(work), text(params_file), overrides)
    if manifest is None:
        from flows.benchmark import benchmark as flow

        flow(*settings)
        print_report(report_in(work))
    else:
        from flows.benchmark_external import benchmark_external

        page = benchmark_external(str(manifest), system, checkpoint, text(reference), *settings)
        print_report(report_in(Path(page).parents[2]))


@app.command()
def report(work: Work = DATA) -> None:
    """Show the last report's table and where it lies."""
    from flows.console.measured import last_report, print_report

    print_report(last_report(work))


@app.command()
def sensitivity(
    kind: Annotated[str, typer.Argument(help="timing: word times moved; guidance: scales of the lyrics.")],
    work: Work = DATA,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="A checkpoint's folder; none: the fine-tuned one.")
    ] = None,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Generate the benchmark's songs again while one thing of the prompt changes."""
    ready(work, params_file, overrides, "benchmark")
    from flows.console.measured import print_sensitivity
    from flows.sensitivity import sensitivity as flow

    print_sensitivity(Path(flow(kind, str(work), text(checkpoint), text(params_file), overrides)))
