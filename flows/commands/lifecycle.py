"""Commands `toy`, `run`, `prepare`, `calibrate`, `train`, `generate`, `stage`: the life cycle, whole and flow by flow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import DATA, NONE, Overrides, ParamsFile, Songs, Work, app, project_at, ready, text
from flows.run.progress import progress_bar, say


@app.command()
def toy(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for songs/, truth/ and manifest.json.")
    ] = None,
    songs: Annotated[int | None, typer.Option("--songs", help="How many.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Which.")] = None,
    lyrics: Annotated[str | None, typer.Option("--lyrics", help="json, lrc, txt, none or all.")] = None,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Render toy songs with exact ground truth."""
    from flows.settings.params import load_params
    from tasks.toy.params import is_rendered, render

    section = load_params(params_file, overrides).toy
    given = {"out": str(out) if out else None, "num_songs": songs, "seed": seed, "lyrics": lyrics}
    section = section.model_copy(update={key: value for key, value in given.items() if value is not None})
    if is_rendered(section):
        say(f"toy: up to date ({section.num_songs} songs in {section.out})")
        return
    with progress_bar("toy", "songs") as show:
        render(section, show)


@app.command("run")
def run_lifecycle(
    songs: Songs = None,
    work: Work = DATA,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would run, how long and with what; run nothing.")
    ] = False,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """The whole life cycle: prepare, train, dpo, benchmark."""
    if plan:
        from flows.console.plan import print_plan

        raise typer.Exit(print_plan(project_at(work, params_file, overrides, songs)))
    project = ready(work, params_file, overrides, "all")
    from flows.console.measured import print_report, report_in
    from flows.lifecycle import lifecycle

    path = str(songs) if songs else project.params.songs.path
    lifecycle(path, str(work), text(params_file), overrides)
    print_report(report_in(work))


@app.command()
def prepare(
    songs: Songs = None, work: Work = DATA, params_file: ParamsFile = None, overrides: Overrides = NONE
) -> None:
    """Songs in, shards out."""
    project = ready(work, params_file, overrides, "prepare")
    from flows.prepare import prepare as flow

    path = str(songs) if songs else project.params.songs.path
    flow(path, str(work), text(params_file), overrides)


@app.command()
def calibrate(
    songs: Annotated[Path, typer.Option("--songs", help="Manifest whose rows have a label, good or bad.")],
    work: Work = DATA,
    out: Annotated[
        Path | None, typer.Option("--out", help="The YAML to write; default WORK/limits.yaml.")
    ] = None,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Choose the quality filter's limits on labelled songs."""
    from flows.calibrate import calibrate as flow

    flow(str(songs), str(work), str(out or work / "limits.yaml"), text(params_file), overrides)


@app.command()
def train(work: Work = DATA, params_file: ParamsFile = None, overrides: Overrides = NONE) -> None:
    """Pretrain and fine-tune on the shards."""
    ready(work, params_file, overrides, "train")
    from flows.train import train_flow

    train_flow(str(work), text(params_file), overrides)


@app.command()
def generate(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", help="Folder with model.safetensors.")],
    out: Annotated[Path, typer.Option("--out", help="jamify's output folder.")],
    manifest: Annotated[Path | None, typer.Option("--manifest", help="jamify's input.json.")] = None,
    lyrics: Annotated[
        Path | None, typer.Option("--lyrics", help="Lyrics of one song: .txt, or .json with word times.")
    ] = None,
    style: Annotated[str | None, typer.Option("--style", help="Its style in words.")] = None,
    bpm: Annotated[float | None, typer.Option("--bpm", help="Its tempo, for rough word times.")] = None,
    duration: Annotated[float | None, typer.Option("--duration", help="Its length in seconds.")] = None,
    candidates: Annotated[
        int, typer.Option("--candidates", min=1, help="Songs a row, each from its own noise.")
    ] = 1,
    ending: Annotated[str | None, typer.Option("--format", help="mp3, flac or wav.")] = None,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Generate a song from its lyrics, or the songs of a manifest, with a checkpoint."""
    settings = [*overrides, f"output.ending={ending}"] if ending else overrides
    project = ready(out, params_file, settings, "generate")
    from flows.generate import generate as flow
    from flows.generate import manifest_of
    from tasks.prompts.jamify_manifest import SongRequest

    request = SongRequest(lyrics, style, bpm, duration) if lyrics else None
    asked = manifest_of(project.params, manifest, request, out)
    flow(str(asked), str(checkpoint), str(out), candidates, text(params_file), settings)


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help="A stage of prepare, or pretrain, sft, dpo, benchmark.")],
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Bring one stage up to date (what dvc.yaml calls)."""
    from flows.lifecycle import run_one

    run_one(project_at(work, params_file, overrides), name)
