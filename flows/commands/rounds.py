"""Commands `dpo`, `sweep`, `pairs` (`--replay`, `--export`): preference rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import (
    DATA,
    NONE,
    From,
    Overrides,
    ParamsFile,
    PlanTraining,
    Work,
    app,
    begin,
    project_as_run,
    project_at,
    ready,
    run_unless_standing,
    start_prefect,
    text,
)


@app.command()
def dpo(
    listed: Annotated[
        Path | None,
        typer.Option(
            "--pairs", metavar="LIST", help="Instead: learn from jamify's DPO list, without a gate."
        ),
    ] = None,
    posteriors: Annotated[
        bool,
        typer.Option("--posteriors", help="The list's candidates are posteriors: its vae_sampled is false."),
    ] = False,
    begin_from: From = None,
    plan: PlanTraining = False,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """DPO rounds from the fine-tuned model, or from the weights of --from, each with its gate."""
    overrides = [*overrides, *([f"start.dpo={begin_from}"] if begin_from else [])]
    if plan:
        from flows.console.plan_training import plan_dpo

        plan_dpo(project_at(work, params_file, overrides))
        return
    begin("dpo", work)
    project = ready(work, params_file, overrides, "dpo", reads_work=listed is None)
    if listed:
        from flows.dpo import learn_pair_list

        learn_pair_list(project, listed, posteriors)
        return
    from flows.dpo import dpo as flow
    from flows.dpo import run_dpo

    run_unless_standing(
        project, lambda: run_dpo(project), lambda: flow(str(work), text(params_file), overrides)
    )


@app.command()
def sweep(work: Work = DATA, params_file: ParamsFile = None, overrides: Overrides = NONE) -> None:
    """Ways of preference training side by side, with their controls."""
    begin("sweep", work)
    start_prefect(ready(work, params_file, overrides, "dpo"))
    from flows.sweep import sweep as flow

    flow(str(work), text(params_file), overrides)


@app.command()
def pairs(
    number: Annotated[int, typer.Argument(metavar="ROUND", help="From 1.")],
    replay: Annotated[
        str | None,
        typer.Option(
            "--replay",
            metavar="CANDIDATE",
            help="Instead: generate this candidate again and compare the samples.",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FOLDER", help="Write the pairs learned from as jamify's DPO list."),
    ] = None,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """The pairs of a round side by side, and why prompts gave none."""
    from flows.console import rounds as console

    if replay:
        raise typer.Exit(console.replay(project_as_run(work, params_file, overrides), number, replay))
    console.print_pairs(work, number)
    if export:
        console.export_pairs(work, number, export)
