"""Commands: what leaves the house: a system's card, a blind listening page, a folder ready to upload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Work, app


@app.command()
def card(system: str, work: Work = DATA) -> None:
    """A methods paragraph and a LaTeX row of one system of the last report."""
    from flows.console.card import print_card

    print_card(system, work)


@app.command()
def listen(
    system: Annotated[
        list[str], typer.Option("--system", help="Two of them: a row of the benchmark, or NAME=DIR of audio.")
    ],
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """A blind page: which of two systems people enjoy more, and which keeps the style."""
    from flows.console.listening_page import write_blind_page
    from flows.settings.work_folder import WorkFolder

    write_blind_page(WorkFolder(work), system, params, set_)


@app.command()
def export(
    what: Annotated[Literal["hub"], typer.Argument(help="hub: a data set and a model with their cards.")],
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    system: Annotated[str, typer.Option("--system", help="Whose weights: a row of the report.")] = "trained",
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Lay out shards, weights and their cards, ready to upload; nothing is uploaded."""
    from flows.console.hub_export import export_hub
    from flows.settings.work_folder import WorkFolder

    export_hub(WorkFolder(work), out, system, params, set_)
