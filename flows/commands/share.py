"""Commands `card`, `listen`, `export`, `import`: what leaves the house and what comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.app import DATA, NONE, Overrides, ParamsFile, Work, app, project_as_run


@app.command()
def card(system: str, work: Work = DATA) -> None:
    """A methods paragraph and a LaTeX row of one system of the last report."""
    from flows.console.measured import print_card

    print_card(system, work)


@app.command()
def listen(
    system: Annotated[
        list[str], typer.Option("--system", help="Two of them: a row of the benchmark, or NAME=DIR of audio.")
    ],
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """A listening page: which of two systems people enjoy more, and which keeps the style."""
    from flows.console.share import write_blind_page

    write_blind_page(project_as_run(work, params_file, overrides), system)


@app.command()
def export(
    what: Annotated[
        Literal["hub", "muse"],
        typer.Argument(
            help="hub: a data set and a model with their cards; muse: the songs as talks, for a language model."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    system: Annotated[str, typer.Option("--system", help="Whose weights: a row of the report.")] = "trained",
    phonemes: Annotated[bool, typer.Option(help="Of muse: with the phonemes of each word.")] = True,
    work: Work = DATA,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Lay out shards, weights and their cards, ready to upload, or the songs in Muse's form; nothing is uploaded."""
    from flows.console.share import export_hub, export_talks

    project = project_as_run(work, params_file, overrides)
    if what == "muse":
        export_talks(project, out, phonemes)
    else:
        export_hub(project, out, system)


@app.command("import")
def import_(
    out: Annotated[
        Path, typer.Option("--out", help="Folder of shards, such as W/shards, or of clips; or a params file.")
    ],
    shards: Annotated[
        str | None, typer.Option("--shards", help="Folder of .tar files, or a pattern: {000..485}, *.")
    ] = None,
    yaml: Annotated[
        Path | None, typer.Option("--yaml", help="A yaml file of jamify's trainer, to be a params file.")
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option("--captions", help="A list as MusicCaps has it, to be a manifest of `jam benchmark`."),
    ] = None,
    audio: Annotated[
        Path | None, typer.Option("--audio", help="Folder with the audio of --captions, named by ytid.")
    ] = None,
    params_file: ParamsFile = None,
    overrides: Overrides = NONE,
) -> None:
    """Foreign .pt shards in, safe shards out; jamify's settings in, a params file out; or captions and audio in, a benchmark out."""
    if sum(one is not None for one in (shards, yaml, captions)) != 1 or (captions is None) != (audio is None):
        raise ValueError("import: give --shards, --yaml, or --captions with --audio; one of the three")
    from flows.console.bring_in import bring_in_captions, bring_in_shards, bring_in_yaml
    from flows.settings.params import load_params

    if captions is not None and audio is not None:
        bring_in_captions(load_params(params_file, overrides), captions, audio, out)
    elif yaml is not None:
        bring_in_yaml(yaml, out)
    elif shards is not None:
        bring_in_shards(load_params(params_file, overrides), shards, out)
