"""The `jam` application: options that commands share (`Work`, `ParamsFile`, `Overrides`), and settings checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from flows.settings.project import Project

Result = TypeVar("Result")
NAME = "jam-lifecycle"
app = typer.Typer(
    help="Raw songs in; a trained, preference-aligned and honestly measured JAM song model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def project_version() -> str:
    """The installed one."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "(not installed: run from its source)"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {project_version()}")
        raise typer.Exit


@app.callback()
def jam(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Name and version."),
    ] = False,
) -> None:
    """Raw songs in; a trained, preference-aligned and honestly measured JAM song model out."""


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
ParamsFile = Annotated[Path | None, typer.Option("--params", help="YAML laid over params.yaml.")]
Overrides = Annotated[list[str], typer.Option("--set", help="section.key=value, laid over both.")]
Songs = Annotated[
    Path | None,
    typer.Option(
        "--songs",
        parser=_songs,
        metavar="DIR|URL|FILE",
        help="Folder of songs, a prefix in a store, or a manifest.",
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="WEIGHTS",
        help="Weights to begin with: a checkpoint folder, a .safetensors, a .pt, or a hub id.",
    ),
]
PlanTraining = Annotated[
    bool,
    typer.Option(
        "--plan", help="Say what it holds in memory, on which card it fits, how long; train nothing."
    ),
]
DATA = Path("data")
NONE: list[str] = []


def project_at(
    work: Path, params_file: Path | None, overrides: list[str], songs: Path | None = None
) -> Project:
    """The settings and the work folder that a command asks for."""
    from flows.settings.project import Project

    return Project.at(work, params_file, [*overrides, f"songs.path={songs}"] if songs else overrides)


def project_as_run(
    work: Path,
    params_file: Path | None,
    overrides: list[str],
    songs: Path | None = None,
    over_last: bool = False,
) -> Project:
    """The same for a command that only looks: given neither --params nor --set, it takes those of the last runs.

    `over_last`: what is given is laid over them, not over the defaults: for a command that takes away what they do not
    need.
    """
    from flows.settings.project import Project

    if (params_file or overrides) and not over_last:
        return project_at(work, params_file, overrides, songs)
    return Project.as_run(work, params_file, [*overrides, f"songs.path={songs}"] if songs else overrides)


def ready(
    work: Path,
    params_file: Path | None,
    overrides: list[str],
    flow: str,
    songs: Path | None = None,
    reads_work: bool = True,
) -> Project:
    """The same for a flow whose models can be used and whose inputs are there: told before anything is started or written.

    `reads_work`: it reads what other flows made in the work folder.
    """
    from flows.pipelines.flow_inputs import check_inputs
    from flows.pipelines.flow_models import check_models

    project = project_at(work, params_file, overrides, songs)
    check_models(project, flow)
    if reads_work:
        check_inputs(project, flow)
    return project


def begin(what: str, work: Path) -> None:
    """Say what starts, before anything that takes a second is imported."""
    typer.echo(f"{what}: starting, work folder {work}")


def start_prefect(project: Project | None) -> None:
    """Flows that are called now show on Prefect's server: the one that is set, or else one as long as this command.

    Ray starts beside it as `project` says; None: the flow does not work on Ray.
    """
    from flows.run.prefect_server import start_temporary_server
    from flows.run.ray_ahead import start_ahead

    if project is not None:
        start_ahead(project.params.engine)

    start_temporary_server()


def run_unless_standing(
    project: Project | None, look: Callable[[], Result] | None, run: Callable[[], Result]
) -> Result:
    """What `look` comes to, where it finds that all it makes stands; else `run`, a flow, on Prefect's server."""
    from flows.run.standing import stands

    found: list[Result] = []
    if look is not None and stands(lambda: found.append(look())):
        return found[0]
    start_prefect(project)
    return run()


def text(path: Path | None) -> str | None:
    """A path as flows take it."""
    return str(path) if path else None
