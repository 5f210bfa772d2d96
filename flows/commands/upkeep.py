"""Commands `retry`, `verify`, `forget`, `prune`: looking after what stands."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.app import DATA, NONE, Overrides, ParamsFile, Work, app, project_as_run


@app.command()
def retry(
    reason: Annotated[str, typer.Option("--reason", help="A drop reason of `jam table`.")],
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Forget the drops of one reason, so that the next run tries those songs again."""
    from flows.console.upkeep import forget

    forget(project_as_run(work, params_file, overrides), reason)


@app.command()
def verify(
    work: Work = DATA,
    repair: Annotated[bool, typer.Option("--repair", help="Remove what is damaged.")] = False,
) -> None:
    """Read every file again and hold it against its hash."""
    from flows.console.upkeep import print_verify

    raise typer.Exit(print_verify(work, repair))


@app.command()
def forget(
    song: Annotated[str, typer.Argument(help="A song's id or title, or how either begins.")],
    work: Work = DATA,
) -> None:
    """A takedown: remove a song from everything, and say which checkpoints saw it."""
    from flows.console.upkeep import print_forget

    print_forget(song, work)


@app.command()
def prune(
    work: Work = DATA,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them.")] = False,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Show the files that no current setting needs, or free them."""
    from flows.console.upkeep import print_prune

    print_prune(project_as_run(work, params_file, overrides, over_last=True), yes)
