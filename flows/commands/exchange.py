"""Commands: what comes in from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Work, app, text


@app.command("import")
def import_(
    shards: Annotated[
        str, typer.Option("--shards", help="Folder of .tar files, or a pattern: {000..485}, *.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of shards, such as W/shards.")],
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Foreign .pt shards in, safe shards out."""
    from flows.jamify import bring_in_shards

    bring_in_shards(shards, out, params, set_)


@app.command()
def calibrate(
    songs: Annotated[Path, typer.Option("--songs", help="Manifest whose rows have a label, good or bad.")],
    work: Work = DATA,
    out: Annotated[
        Path | None, typer.Option("--out", help="The YAML to write; default WORK/limits.yaml.")
    ] = None,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Choose the gate's limits on labelled songs."""
    from flows.calibrate import calibrate as flow

    flow(str(songs), str(work), str(out or work / "limits.yaml"), text(params), set_)
