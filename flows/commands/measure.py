"""Commands: the benchmark and its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Work, app, ready, text


@app.command()
def benchmark(
    work: Work = DATA,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="Songs to judge by: a manifest, or a data set's snapshot."),
    ] = None,
    system: Annotated[
        list[str], typer.Option("--system", help="NAME=DIR: a folder of audio, files named by song id.")
    ] = NO_SETTINGS,
    checkpoint: Annotated[
        list[str], typer.Option("--checkpoint", help="NAME=FOLDER: a checkpoint that sings the manifest.")
    ] = NO_SETTINGS,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Songs (folder or manifest) for FAD.")
    ] = None,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Measure the checkpoints of a work folder, or any systems on a manifest's songs, and write the report."""
    if manifest is None and (system or checkpoint or reference):
        raise ValueError(
            "manifest: --system, --checkpoint and --reference need --manifest, the songs to judge by"
        )
    ready(params, set_, "benchmark")
    from flows.console.tables import print_report

    if manifest is None:
        from flows.benchmark import benchmark as flow

        flow(str(work), text(params), set_)
        print_report(work)
    else:
        from flows.benchmark_external import judged

        page = judged(str(manifest), system, checkpoint, text(reference), str(work), text(params), set_)
        print_report(Path(page).parents[2])


@app.command()
def report(work: Work = DATA) -> None:
    """Show the last report's table and where it lies."""
    from flows.console.tables import print_report

    print_report(work)


@app.command()
def probe(
    kind: Annotated[str, typer.Argument(help="timing: word times moved; guidance: scales of the lyrics.")],
    work: Work = DATA,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="A checkpoint's folder; none: the fine-tuned one.")
    ] = None,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Sing the benchmark's songs again while one thing of the request changes."""
    ready(params, set_, "benchmark")
    from flows.probe import probe as flow

    flow(kind, str(work), text(checkpoint), text(params), set_)
