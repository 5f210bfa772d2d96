"""Command `lyrics convert`: a file of lyrics into another form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.app import app


@app.command()
def lyrics(
    what: Annotated[Literal["convert"], typer.Argument(help="convert: IN, of any form, into OUT.")],
    source: Annotated[Path, typer.Argument(metavar="IN", help="Lyrics; their content decides their form.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write; its ending decides its form.")
    ],
    to: Annotated[
        str | None, typer.Option("--to", help="Its form by name or ending, whatever OUT's is.")
    ] = None,
) -> None:
    """A file of lyrics in another form, and what that lost."""
    from flows.console.convert_lyrics import convert_lyrics

    convert_lyrics(source, out, to)
