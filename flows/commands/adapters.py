"""Command `adapters`: low-rank adapters onto their base, or out of a tuned model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.app import NONE, Overrides, ParamsFile, app


@app.command()
def adapters(
    what: Annotated[
        Literal["merge", "extract"],
        typer.Argument(
            help="merge: BASE and an adapter to a checkpoint; extract: an adapter out of a tuned one."
        ),
    ],
    base: Annotated[Path, typer.Argument(metavar="BASE", help="The checkpoint that was begun with.")],
    other: Annotated[
        Path,
        typer.Argument(
            metavar="OTHER", help="merge: the adapter or its run's folder; extract: the tuned checkpoint."
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="merge: a new folder; extract: a new .safetensors.")
    ],
    strength: Annotated[
        float, typer.Option("--strength", help="merge: times the adapter's change; 0 is BASE.")
    ] = 1.0,
    rank: Annotated[int, typer.Option("--rank", help="extract: of the adapter.")] = 16,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """An adapter merged into its base, or the nearest one extracted from a model that was tuned whole."""
    from flows.console.adapters import extract_adapter, merge_adapter
    from flows.settings.params import load_params

    if what == "merge":
        merge_adapter(base, other, strength, out)
    else:
        extract_adapter(load_params(params_file, overrides), base, other, rank, out)
