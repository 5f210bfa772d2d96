"""A command that finds nothing to do (`stands`) starts nothing: it looks first whether work is left; and whether the environment or a profile of Prefect names a server.

It looks first, with the very code that would work; where that comes to something to compute, the look ends and the
flow runs from the start.
"""

from __future__ import annotations

import io
import os
import tomllib
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from contextvars import ContextVar
from pathlib import Path

API = "PREFECT_API_URL"
OF_THE_FOLDER = "work: "  # how a line of `hold` begins
_looking: ContextVar[bool] = ContextVar("looking", default=False)


class WorkIsLeft(Exception):
    """Something would have to be computed, and the caller only looks."""


def before_work() -> None:
    """Called before anything is computed.

    Raises:
        WorkIsLeft: inside `stands`.
    """
    if _looking.get():
        raise WorkIsLeft


def stands(look: Callable[[], object]) -> bool:
    """Whether all that `look` makes stands already; what it said is told then, and kept back otherwise, but for what it
    says of the work folder: that it took it over from a run that was killed.

    Where a server of Prefect's is configured nobody looks: it shows every run, those that find nothing to do, too.
    """
    if names_a_server(os.environ):
        return False
    said, before = io.StringIO(), _looking.set(True)
    try:
        with redirect_stdout(said):
            look()
    except WorkIsLeft:
        told = [line for line in said.getvalue().splitlines(keepends=True) if line.startswith(OF_THE_FOLDER)]
        print(*told, sep="", end="", flush=True)
        return False
    finally:
        _looking.reset(before)
    print(said.getvalue(), end="", flush=True)
    return True


def names_a_server(environment: Mapping[str, str]) -> bool:
    """Whether the environment or the active profile of Prefect says where its server is."""
    if environment.get(API):
        return True
    home = Path(environment.get("PREFECT_HOME") or Path.home() / ".prefect")
    profiles = Path(environment.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    try:
        known = tomllib.loads(profiles.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    active = environment.get("PREFECT_PROFILE") or known.get("active")
    return bool(known.get("profiles", {}).get(active, {}).get(API))
