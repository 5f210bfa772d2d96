"""Commands `table`, `look`, `desk`, `why`, `doctor`: a look at what stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import (
    DATA,
    NONE,
    Overrides,
    ParamsFile,
    Songs,
    Work,
    app,
    project_as_run,
    project_at,
)


@app.command()
def table(
    work: Work = DATA,
    rates: Annotated[bool, typer.Option("--rates", help="How fast each stage ran, and where.")] = False,
    drops: Annotated[
        bool, typer.Option("--drops", help="The songs of each drop reason, with the whole sentence each.")
    ] = False,
    first: Annotated[int, typer.Option("--first", min=1, help="With --drops: so many of each reason.")] = 5,
    every: Annotated[bool, typer.Option("--all", help="With --drops: all of them.")] = False,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Counts, rates and drop reasons of every stage."""
    from flows.console.table import print_drops, print_rates, print_table

    project = project_as_run(work, params_file, overrides)
    if drops:
        print_drops(project, None if every else first)
    else:
        (print_rates if rates else print_table)(project)


@app.command()
def look(
    song: Annotated[str, typer.Argument(help="A song's id or title, or how either begins.")],
    every: Annotated[bool, typer.Option("--all", help="Every column, not what fits a screen.")] = False,
    songs: Songs = None,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """One song through every stage, here and as a page with players."""
    from flows.console.look import print_song

    print_song(project_as_run(work, params_file, overrides, songs), song, every)


@app.command()
def desk(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="On this machine; 0: a free one.")
    ] = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="What generates songs there; none: the kept one of WORK."),
    ] = None,
    songs: Songs = None,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """The songs on a local page: find, hear, mend, approve and reject; generate new ones, choose among them, watch runs."""
    from flows.desk.serve import serve

    given = [*(("--params", str(params_file)) if params_file else ()), *(f"--set={one}" for one in overrides)]
    serve(project_as_run(work, params_file, overrides, songs), port, checkpoint, given)


@app.command()
def why(
    stage: Annotated[
        str | None,
        typer.Argument(
            help="A stage, training or flow, such as align, sft, dpo; none: all that would run.",
            show_default=False,
        ),
    ] = None,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Why a stage would run again, and what runs again with it."""
    from flows.console.why import print_why

    print_why(project_as_run(work, params_file, overrides), stage)


@app.command()
def doctor(
    kinds: Annotated[
        list[str] | None, typer.Argument(help="Only these: separate, style.muq_mulan ...", show_default=False)
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Get the weights of the chosen models, or of KINDS.")
    ] = False,
    song: Annotated[
        Path | None,
        typer.Option(
            "--measure", metavar="SONG", help="How fast each model is that is here, on 30 s of a song."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """This machine, and for each kind the models that are here, would be used or are missing."""
    from flows.console.doctor import download_models, print_doctor

    project = project_at(work, params_file, overrides)
    if download:
        raise typer.Exit(download_models(project.params, kinds or []))
    raise typer.Exit(print_doctor(project, kinds or [], json, song))
