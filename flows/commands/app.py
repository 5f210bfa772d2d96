"""The ``jam`` application: the options that commands share, and settings checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flows.settings.params import Params

app = typer.Typer(
    help="Raw songs in; a trained, preference-aligned and honestly measured JAM song model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _place(text: str | Path, field: str = "work") -> Path:
    """A folder as given: a URL is no path."""
    from tasks.storage.object_store import place_of

    try:
        return place_of(text, field)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _songs(text: str | Path) -> Path:
    """`--songs` as given."""
    return _place(text, "songs")


Work = Annotated[
    Path,
    typer.Option(
        "--work",
        parser=_place,
        metavar="DIR|URL",
        help="Folder for everything a run makes, or a prefix in a store: s3://bucket/prefix.",
    ),
]
Overlay = Annotated[Path | None, typer.Option("--params", help="YAML laid over params.yaml.")]
Settings = Annotated[list[str], typer.Option("--set", help="section.key=value, laid over both.")]
Songs = Annotated[
    Path | None,
    typer.Option(
        "--songs",
        parser=_songs,
        metavar="DIR|URL|FILE",
        help="Folder of songs, a prefix in a store, or a manifest.",
    ),
]
DATA = Path("data")
NO_SETTINGS: list[str] = []


def ready(overlay: Path | None, settings: list[str], flow: str) -> Params:
    """The settings of a flow whose models can be used: told before anything of Prefect or Ray starts."""
    from flows.settings.check_models import check_models
    from flows.settings.params import load_params

    params = load_params(overlay, settings)
    check_models(params, flow)
    return params


def text(path: Path | None) -> str | None:
    """A path as flows take it."""
    return str(path) if path else None
