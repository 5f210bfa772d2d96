"""Commands: a look at what stands, and looking after it."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Songs, Work, app


@app.command()
def table(
    work: Work = DATA,
    rates: Annotated[bool, typer.Option("--rates", help="How fast each stage ran, and where.")] = False,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Counts, rates and drop reasons of every stage."""
    from flows.console.tables import print_rates, print_table

    (print_rates if rates else print_table)(params, set_, work)


@app.command()
def look(
    song: Annotated[str, typer.Argument(help="A song id, or how it begins.")],
    songs: Songs = None,
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """One song through every stage, here and as a page with players."""
    from flows.console.tables import print_song

    print_song(song, params, [*set_, f"songs.path={songs}"] if songs else set_, work)


@app.command()
def why(stage: str, work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """Why a stage would run again."""
    from flows.console.tables import print_why

    print_why(stage, params, set_, work)


@app.command()
def retry(
    reason: Annotated[str, typer.Option("--reason", help="A drop reason of `jam table`.")],
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Forget the drops of one reason, so that the next run tries those songs again."""
    from flows.console.tables import forget

    forget(reason, params, set_, work)


@app.command()
def verify(
    work: Work = DATA,
    repair: Annotated[bool, typer.Option("--repair", help="Remove what is damaged.")] = False,
) -> None:
    """Read every file again and hold it against its hash."""
    from flows.console.upkeep import print_verify

    raise typer.Exit(print_verify(work, repair))


@app.command()
def forget(song: Annotated[str, typer.Argument(help="A song id.")], work: Work = DATA) -> None:
    """A takedown: remove a song from everything, and say which checkpoints saw it."""
    from flows.console.upkeep import print_forget

    print_forget(song, work)


@app.command()
def prune(
    work: Work = DATA,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them.")] = False,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Show the files that no current setting needs, or free them."""
    from flows.console.upkeep import print_prune

    print_prune(params, set_, work, yes)


@app.command()
def doctor(
    kinds: Annotated[
        list[str] | None,
        typer.Argument(help="Only these: separator, style_encoder.muq_mulan ...", show_default=False),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Get the weights of the chosen models, or of KINDS.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """This machine, and for each kind the models that are here, would be used or are missing."""
    from flows.console.doctor import download_models, print_doctor

    if download:
        raise typer.Exit(download_models(params, set_, kinds or []))
    raise typer.Exit(print_doctor(params, set_, work, kinds or [], json))
