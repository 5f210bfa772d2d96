"""Command `desk`: the songs of a work folder on a local page, to look, listen and mend."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.app import DATA, NONE, Overrides, ParamsFile, Songs, Work, app, project_as_run


@app.command()
def desk(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="On this machine; 0: a free one.")
    ] = 0,
    songs: Songs = None,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """The songs on a local page: find, hear, mend times of words, approve and reject."""
    from flows.desk.serve import serve

    serve(project_as_run(work, params_file, overrides, songs), port)
