"""Commands: the life cycle, whole and flow by flow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Songs, Work, app, ready, text
from flows.run.progress import progress_bar, say


@app.command()
def toy(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for songs/, truth/ and manifest.json.")
    ] = None,
    songs: Annotated[int | None, typer.Option("--songs", help="How many.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Which.")] = None,
    lyrics: Annotated[str | None, typer.Option("--lyrics", help="json, lrc, txt, none or all.")] = None,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Render toy songs with exact ground truth."""
    from flows.settings.params import load_params
    from tasks.toy.params import is_rendered, render

    section = load_params(params, set_).toy
    given = {"out": str(out) if out else None, "num_songs": songs, "seed": seed, "lyrics": lyrics}
    section = section.model_copy(update={key: value for key, value in given.items() if value is not None})
    if is_rendered(section):
        say(f"toy: up to date ({section.num_songs} songs in {section.out})")
        return
    with progress_bar("toy", "songs") as step:
        render(section, step)


@app.command("run")
def run_lifecycle(
    songs: Songs = None,
    work: Work = DATA,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would run, how long and with what; run nothing.")
    ] = False,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """The whole life cycle: prepare, train, dpo, benchmark."""
    if plan:
        from flows.console.plan import print_plan
        from flows.settings.params import load_params
        from flows.settings.work_folder import WorkFolder

        planned = load_params(params, [*set_, f"songs.path={songs}"] if songs else set_)
        raise typer.Exit(print_plan(planned, WorkFolder(work)))
    loaded = ready(params, set_, "all")
    from flows.console.tables import print_report
    from flows.lifecycle import lifecycle

    path = str(songs) if songs else loaded.songs.path
    lifecycle(path, str(work), text(params), set_)
    print_report(work)


@app.command()
def prepare(
    songs: Songs = None, work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS
) -> None:
    """Songs in, shards out."""
    loaded = ready(params, set_, "prepare")
    from flows.prepare import prepare as flow

    path = str(songs) if songs else loaded.songs.path
    flow(path, str(work), text(params), set_)


@app.command()
def train(work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """Pretrain and fine-tune on the shards."""
    ready(params, set_, "train")
    from flows.train import train_flow

    train_flow(str(work), text(params), set_)


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
    takes: Annotated[int, typer.Option("--takes", min=1, help="Songs a row, each from its own noise.")] = 1,
    ending: Annotated[str | None, typer.Option("--format", help="mp3, flac or wav.")] = None,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Sing a song from its lyrics, or the songs of a manifest, with a checkpoint."""
    settings = [*set_, f"output.ending={ending}"] if ending else set_
    loaded = ready(params, settings, "generate")
    from flows.generate import generate as flow
    from flows.generate import manifest_of

    asked = manifest_of(loaded, manifest, lyrics, style, bpm, duration, out)
    flow(str(asked), str(checkpoint), str(out), takes, text(params), settings)


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help="A stage of prepare, or pretrain, sft, dpo, benchmark.")],
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Bring one stage up to date (what dvc.yaml calls)."""
    from flows.one_stage import run_one

    run_one(name, params, set_, work)
