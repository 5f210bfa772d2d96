"""Commands `toy`, `run`, `prepare`, `calibrate`, `train`, `durations`, `generate`, `stage`: the life cycle, whole and flow by flow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.app import (
    DATA,
    NONE,
    From,
    Overrides,
    ParamsFile,
    PlanTraining,
    Songs,
    Work,
    app,
    begin,
    project_at,
    ready,
    run_unless_standing,
    start_prefect,
    text,
)
from flows.run.progress import print_error, progress_bar, say


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
    begin("run", work)
    project = ready(work, params_file, overrides, "all", songs)
    from flows.console.measured import print_report, report_in
    from flows.lifecycle import is_finished, lifecycle, run_all

    path = project.params.songs.path
    look = (lambda: run_all(project)) if is_finished(project) else None
    run_unless_standing(project, look, lambda: lifecycle(path, str(work), text(params_file), overrides))
    print_report(report_in(work))


@app.command()
def prepare(
    songs: Songs = None, work: Work = DATA, params_file: ParamsFile = None, overrides: Overrides = NONE
) -> None:
    """Songs in, shards out."""
    begin("prepare", work)
    project = ready(work, params_file, overrides, "prepare", songs)
    from flows.prepare import is_prepared, run_prepare
    from flows.prepare import prepare as flow

    path = project.params.songs.path
    look = (lambda: run_prepare(project)) if is_prepared(project) else None
    run_unless_standing(project, look, lambda: flow(path, str(work), text(params_file), overrides))


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
    begin("calibrate", work)
    project = ready(work, params_file, overrides, "prepare", songs, reads_work=False)
    from tasks.quality.calibrate import labels_of

    labels_of(songs, project.params.songs.root)  # refused before anything starts
    from flows.calibrate import calibrate as flow
    from flows.calibrate import run_calibrate

    limits = out or work / "limits.yaml"
    run_unless_standing(
        project,
        lambda: run_calibrate(project, limits),
        lambda: flow(str(songs), str(work), str(limits), text(params_file), overrides),
    )


@app.command()
def train(
    begin_from: From = None,
    plan: PlanTraining = False,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Pretrain and fine-tune on the shards; --from: fine-tune weights that are there already."""
    overrides = [*overrides, *([f"start.sft={begin_from}"] if begin_from else [])]
    if plan:
        from flows.console.plan_training import plan_train

        plan_train(project_at(work, params_file, overrides))
        return
    begin("train", work)
    project = ready(work, params_file, overrides, "train")
    from flows.train import run_train, train_flow

    run_unless_standing(
        project, lambda: run_train(project), lambda: train_flow(str(work), text(params_file), overrides)
    )


@app.command()
def durations(work: Work = DATA, params_file: ParamsFile = None, overrides: Overrides = NONE) -> None:
    """Train a predictor of word times on the prepared songs, for `jam generate`."""
    begin("durations", work)
    project = project_at(work, params_file, overrides)
    from flows.durations import durations as flow
    from flows.durations import run_durations

    run_unless_standing(
        None, lambda: run_durations(project), lambda: flow(str(work), text(params_file), overrides)
    )


@app.command()
def generate(
    out: Annotated[Path, typer.Option("--out", help="jamify's output folder.")],
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", help="Folder with model.safetensors, or the one it lies in; none: the kept one."
        ),
    ] = None,
    work: Work = DATA,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="jamify's input.json.")] = None,
    lyrics: Annotated[
        Path | None,
        typer.Option("--lyrics", help="Lyrics of one song, in any form; with word times, or rough ones."),
    ] = None,
    style: Annotated[str | None, typer.Option("--style", help="Its style in words.")] = None,
    bpm: Annotated[float | None, typer.Option("--bpm", help="Its tempo, for word times.")] = None,
    duration: Annotated[float | None, typer.Option("--duration", help="Its length in seconds.")] = None,
    times: Annotated[
        str | None,
        typer.Option(
            "--times",
            metavar="rough|predicted|FILE",
            help="Word times for lyrics without any; none: predicted where `jam durations` has run, else rough.",
        ),
    ] = None,
    score: Annotated[
        Path | None,
        typer.Option(
            "--score", help="Words, their times and melody in one file: MusicXML, MIDI, UltraStar, .ds."
        ),
    ] = None,
    chords: Annotated[
        str | None,
        typer.Option(
            "--chords", metavar="TEXT|FILE", help="Chords to follow, as 'C | Dm7 G7 | %'; with --bpm."
        ),
    ] = None,
    melody: Annotated[
        Path | None, typer.Option("--melody", help="A melody to follow: a file of notes, or a voice alone.")
    ] = None,
    drums: Annotated[
        Path | None, typer.Option("--drums", help="A sound of drums to follow, repeated.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option("--like", help="A sound whose band the song shall be like, repeated.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep", metavar="0-10,20-25", help="Seconds of --keep-from that stay; the rest is made."
        ),
    ] = None,
    keep_from: Annotated[
        Path | None, typer.Option("--keep-from", help="A song or a candidate that seconds are kept of.")
    ] = None,
    candidates: Annotated[
        int,
        typer.Option("--candidates", min=1, help="Songs a row, each from its own noise."),
    ] = 1,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            help="Of the noise; another one gives another take, written beside what stands (NAME.take2.mp3).",
        ),
    ] = None,
    ending: Annotated[
        Literal["mp3", "flac", "wav"] | None, typer.Option("--format", help="How songs are written.")
    ] = None,
    lyrics_form: Annotated[
        str | None,
        typer.Option(
            "--write-lyrics", metavar="FORM", help="The words as sung beside each song: lrc, srt, json ..."
        ),
    ] = None,
    page: Annotated[
        bool,
        typer.Option("--page", help="A page beside each song with controls: what was asked, what is heard."),
    ] = False,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Generate a song from its lyrics, or the songs of a manifest, with a checkpoint."""
    from tasks.lyrics.convert import form_named

    if lyrics_form is not None:
        form_named("", lyrics_form, "--write-lyrics")
    given = {
        "output.ending": ending,
        "output.lyrics": lyrics_form,
        "output.page": "true" if page else None,
        "round.seed": seed,
    }
    settings = [*overrides, *(f"{key}={value}" for key, value in given.items() if value is not None)]
    begin("generate", out)
    project = ready(out, params_file, settings, "generate")
    from flows.console.generate import check_request
    from tasks.prompts.one_song import PREDICTED, ROUGH, OneSong

    if times is not None and not lyrics:
        raise typer.BadParameter("--times is of --lyrics; the rows of a manifest get rough ones")
    if lyrics and score:
        raise typer.BadParameter("--score has the words as well; leave out --lyrics, or give it as --melody")
    sounds = {"melody": melody, "drums": drums, "like": like, "keep_from": keep_from}
    files = {"chords": chords, "keep": keep, **sounds}
    controls = {name: str(value) for name, value in files.items() if value is not None}
    if controls and not (lyrics or score):
        raise typer.BadParameter(
            f"--{next(iter(controls)).replace('_', '-')} is of --lyrics or --score; a manifest has a field of that name"
        )
    named = Path(times) if times is not None and times not in (ROUGH, PREDICTED) else times
    words = score or lyrics
    asks = (bpm, duration, named, candidates, controls, score is not None)
    song = OneSong(words, style, *asks) if words else None
    asked = check_request(project, manifest, song, checkpoint, work)
    if not asked.num_songs:
        print_error(f"generate: no row of {asked.manifest} can be sung, nothing was written")
        raise typer.Exit(1)
    start_prefect(project)
    from flows.generate import generate as flow

    each = 1 if asked.has_candidates else candidates
    flow(str(asked.manifest), str(asked.checkpoint), str(out), each, text(params_file), settings)


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
