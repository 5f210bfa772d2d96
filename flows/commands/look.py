"""Commands `table`, `look`, `why`, `doctor`: a look at what stands."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.app import DATA, NONE, Overrides, ParamsFile, Songs, Work, app, project_at


@app.command()
def table(
    work: Work = DATA,
    rates: Annotated[bool, typer.Option("--rates", help="How fast each stage ran, and where.")] = False,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Counts, rates and drop reasons of every stage."""
    from flows.console.look import print_rates, print_table

    (print_rates if rates else print_table)(project_at(work, params_file, overrides))


@app.command()
def look(
    song: Annotated[str, typer.Argument(help="A song id, or how it begins.")],
    songs: Songs = None,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """One song through every stage, here and as a page with players."""
    from flows.console.look import print_song

    print_song(project_at(work, params_file, overrides, songs), song)


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

    print_why(project_at(work, params_file, overrides), stage)


@app.command()
def doctor(
    kinds: Annotated[
        list[str] | None, typer.Argument(help="Only these: separate, style.muq_mulan ...", show_default=False)
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Get the weights of the chosen models, or of KINDS.")
    ] = False,
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
    raise typer.Exit(print_doctor(project, kinds or [], json))
