"""Commands: preference rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Work, app, ready, text


@app.command()
def dpo(
    replay: Annotated[
        tuple[int, str] | None,
        typer.Option(
            "--replay", metavar="ROUND CANDIDATE", help="Sing this take again and compare the samples."
        ),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Instead: ways of training side by side, with their controls.")
    ] = False,
    listed: Annotated[
        Path | None,
        typer.Option(
            "--pairs", metavar="LIST", help="Instead: learn from jamify's DPO list, without a gate."
        ),
    ] = None,
    posteriors: Annotated[
        bool, typer.Option("--posteriors", help="The list's takes are posteriors: its vae_sampled is false.")
    ] = False,
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """DPO rounds from the fine-tuned model, each with its gate."""
    loaded = ready(params, set_, "dpo")
    if sweep:
        from flows.sweep import sweep as sweep_flow

        sweep_flow(str(work), text(params), tuple(set_))
        return
    if listed:
        from flows.jamify import learn_pair_list
        from flows.settings.work_folder import WorkFolder

        learn_pair_list(loaded, WorkFolder(work), listed, posteriors)
        return
    if replay:
        from flows.console.pairs import replay as sing_again

        raise typer.Exit(sing_again(loaded, work, *replay))
    from flows.dpo import dpo as flow

    flow(str(work), text(params), set_)


@app.command()
def pairs(
    number: Annotated[int, typer.Argument(metavar="ROUND", help="From 1.")],
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FOLDER", help="Write the pairs learned from as jamify's DPO list."),
    ] = None,
    work: Work = DATA,
) -> None:
    """The pairs of a round side by side, and why prompts gave none."""
    from flows.console.pairs import export_pairs, print_pairs

    print_pairs(work, number)
    if export:
        export_pairs(work, number, export)
