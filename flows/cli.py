"""The ``jam`` command: the flows run here, and a look at what they made."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from flows.view import complain, progress_bar, say

if TYPE_CHECKING:
    from flows.params import Params

os.environ.setdefault("WDS_SECURE", "1")
os.environ.setdefault(
    "PREFECT_LOGGING_LEVEL", "CRITICAL"
)  # our own lines say it; a server's worker sets its own
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

app = typer.Typer(
    help="Raw songs in; a trained, preference-aligned and honestly measured JAM song model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Work = Annotated[Path, typer.Option("--work", help="Folder for everything a run makes.")]
Overlay = Annotated[Path | None, typer.Option("--params", help="YAML laid over params.yaml.")]
Settings = Annotated[list[str], typer.Option("--set", help="section.key=value, laid over both.")]
Songs = Annotated[Path | None, typer.Option("--songs", help="Folder or manifest of songs.")]
DATA = Path("data")
NO_SETTINGS: list[str] = []


def main() -> None:
    """Run the command; every foreseen failure is one line and an exit code, never a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Exit code of ``jam <arguments>``: 0 done, 1 a run failed, 2 bad input or settings."""
    try:
        code = app(arguments, prog_name="jam", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except TyperException as error:
        complain(" ".join(error.format_message().split()))
        return 2
    except (typer.Abort, KeyboardInterrupt):
        complain("stopped; what was committed stands, the same command goes on from there")
        return 130
    except (ValueError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        complain(" ".join(str(error).split()))
        return 2
    except Exception as error:
        log = Path(tempfile.gettempdir()) / f"jam-{os.getpid()}.log"
        log.write_text(traceback.format_exc())
        complain(f"{type(error).__name__}: {' '.join(str(error).split())[:400]} (details: {log})")
        return 1


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
    from flows.params import load_params
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
    songs: Songs = None, work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS
) -> None:
    """The whole life cycle: prepare, train, dpo, benchmark."""
    ready = _ready(params, set_, "all")
    from flows.lifecycle import lifecycle

    path = str(songs) if songs else ready.songs.path
    lifecycle(path, str(work), _text(params), set_)
    _print_report(work)


@app.command()
def prepare(
    songs: Songs = None, work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS
) -> None:
    """Songs in, shards out."""
    ready = _ready(params, set_, "prepare")
    from flows.prepare import prepare as flow

    path = str(songs) if songs else ready.songs.path
    flow(path, str(work), _text(params), set_)


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
    from flows.exchange import bring_in_shards

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

    flow(str(songs), str(work), str(out or work / "limits.yaml"), _text(params), set_)


@app.command()
def train(work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """Pretrain and fine-tune on the shards."""
    _ready(params, set_, "train")
    from flows.train import train_flow

    train_flow(str(work), _text(params), set_)


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
    ready = _ready(params, settings, "generate")
    from flows.generate import generate as flow
    from flows.generate import manifest_of

    asked = manifest_of(ready, manifest, lyrics, style, bpm, duration, out)
    flow(str(asked), str(checkpoint), str(out), takes, _text(params), settings)


@app.command()
def dpo(work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """One DPO round from the fine-tuned model."""
    _ready(params, set_, "dpo")
    from flows.dpo import dpo as flow

    flow(str(work), _text(params), set_)


@app.command()
def benchmark(work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """Measure the checkpoints and write the report."""
    _ready(params, set_, "benchmark")
    from flows.benchmark import benchmark as flow

    flow(str(work), _text(params), set_)
    _print_report(work)


@app.command()
def report(work: Work = DATA) -> None:
    """Show the last report's table and where it lies."""
    _print_report(work)


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


@app.command()
def table(
    work: Work = DATA,
    rates: Annotated[bool, typer.Option("--rates", help="How fast each stage ran, and where.")] = False,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Counts, rates and drop reasons of every stage."""
    from flows.look import print_rates, print_table

    (print_rates if rates else print_table)(params, set_, work)


@app.command()
def look(
    song: Annotated[str, typer.Argument(help="A song id, or how it begins.")],
    songs: Songs = None,
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """One song through every stage, here and as a page with players."""
    from flows.look import print_song

    print_song(song, params, [*set_, f"songs.path={songs}"] if songs else set_, work)


@app.command()
def why(stage: str, work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """Why a stage would run again."""
    from flows.look import print_why

    print_why(stage, params, set_, work)


@app.command()
def retry(
    reason: Annotated[str, typer.Option("--reason", help="A drop reason of `jam table`.")],
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """Forget the drops of one reason, so that the next run tries those songs again."""
    from flows.look import forget

    forget(reason, params, set_, work)


@app.command()
def verify(work: Work = DATA) -> None:
    """Read every shard and checkpoint again and hold it against its hash."""
    from flows.look import print_verify

    raise typer.Exit(print_verify(work))


@app.command()
def doctor(
    kinds: Annotated[
        list[str] | None, typer.Argument(help="Only these: separate, style.muq_mulan ...", show_default=False)
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Get the weights of the chosen models, or of KINDS.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    work: Work = DATA,
    params: Overlay = None,
    set_: Settings = NO_SETTINGS,
) -> None:
    """This machine, and for each kind the models that are here, would be used or are missing."""
    from flows.doctor import download_models, print_doctor

    if download:
        raise typer.Exit(download_models(params, set_, kinds or []))
    raise typer.Exit(print_doctor(params, set_, work, kinds or [], json))


def _print_report(work: Path) -> None:
    from flows.look import print_report

    print_report(work)


def _ready(overlay: Path | None, settings: list[str], flow: str) -> Params:
    """The settings of a flow whose models can be used: told before anything of Prefect or Ray starts."""
    from flows.models import check_models
    from flows.params import load_params

    params = load_params(overlay, settings)
    check_models(params, flow)
    return params


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


if __name__ == "__main__":
    main()
