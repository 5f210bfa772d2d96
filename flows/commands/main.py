"""The ``jam`` command: every foreseen failure is one line and an exit code, never a traceback."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import traceback
from pathlib import Path

import typer
from typer.exceptions import TyperException

from flows.commands.app import app
from flows.commands.meant import told_usage
from flows.run.prefect_server import HINT, is_lost
from flows.run.progress import print_error
from tasks.storage.retry import hint_of

# isort: off
# each module adds its commands; this is their order in `jam --help`
from flows.commands import lifecycle, rounds, measure, look, lyrics, upkeep, share  # noqa: F401

# isort: on
PANELS = {
    "lifecycle": "Life cycle",
    "rounds": "Preference rounds",
    "measure": "Measure",
    "look": "Look",
    "lyrics": "Lyrics",
    "upkeep": "Upkeep",
    "share": "Share",
}
"""The heading in `jam --help` over the commands of a module."""
for _command in app.registered_commands:
    if _command.callback:
        _command.rich_help_panel = PANELS[_command.callback.__module__.rpartition(".")[2]]

os.environ.setdefault("WDS_SECURE", "1")
for _level in ("PREFECT_LOGGING_LEVEL", "PREFECT_INTERNAL_LOGGING_LEVEL"):
    os.environ.setdefault(_level, "CRITICAL")  # our own lines say it; a server's worker sets its own
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")  # 20 is short on a busy host
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def main() -> None:
    """Run the command of this process and end it with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Exit code of ``jam <arguments>``: 0 done, 1 a run failed, 2 bad input or settings."""
    try:
        code = app(arguments, prog_name="jam", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except TyperException as error:
        print_error(told_usage(error))
        return 2
    except (typer.Abort, KeyboardInterrupt):
        print_error("stopped; what was committed stands, the same command goes on from there")
        return 130
    except (ValueError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        print_error("; ".join(filter(None, [" ".join(str(error).split()), hint_of(error)])))
        return 2
    except Exception as error:
        message = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
        hint = hint_of(error)
        if is_lost(error):
            hint = HINT
            logging.getLogger("EventsWorker").setLevel(logging.CRITICAL)  # Prefect's; it has nobody to tell
        print_error("; ".join(filter(None, [message, hint, _kept_trace()])))
        return 1


def _kept_trace() -> str:
    """Where the trace of the error lies; empty where there is no room for it."""
    log = Path(tempfile.gettempdir()) / f"jam-{os.getpid()}.log"
    try:
        log.write_text(traceback.format_exc())
    except OSError:
        return ""
    return f"details: {log}"


if __name__ == "__main__":
    main()
