"""The ``jam`` command's entry: every foreseen failure is one line with a hint and an exit code, never a traceback; logging of Prefect is quiet."""

from __future__ import annotations

import os
import sys

from flows.run.supervisor import STOPPED, leave_at_once, supervise

ENVIRONMENT = {
    "WDS_SECURE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",  # Prefect's client counts its users and greets them with a notice of that
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",  # our own lines say it; a server's worker sets its own
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 is short on a busy host
}
"""What is set before Prefect and Ray are imported, unless the user has set it; what they start inherits it."""


def main() -> None:
    """Run the command of this process and end it with its exit code."""
    sys.exit(supervise(lambda: run(sys.argv[1:])))


def run(arguments: list[str]) -> int:
    """Exit code of ``jam <arguments>``: 0 done, 1 a run failed, 2 bad input or settings, 130 stopped.

    Everything is imported here, in the child that `supervise` can stop at any time.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from typer import Abort
    from typer.exceptions import TyperException

    from flows.commands.headings import app
    from flows.commands.meant import check_one_file, told_usage
    from flows.run.prefect_server import HINT, is_lost
    from flows.run.progress import FORESEEN, print_error
    from tasks.storage.numba_cache import keep_compiled_apart
    from tasks.storage.retry import hint_of

    keep_compiled_apart()
    try:
        check_one_file(arguments)
        code = app(arguments, prog_name="jam", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except TyperException as error:
        print_error(told_usage(error))
        return 2
    except (Abort, KeyboardInterrupt):
        return STOPPED  # what supervises says it
    except FORESEEN as error:
        print_error("; ".join(filter(None, [" ".join(str(error).split()), hint_of(error)])))
        return 2
    except Exception as error:
        message = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
        hint = hint_of(error)
        if is_lost(error):
            hint = HINT
            leave_at_once()  # Prefect's worker of events has nobody to tell
        print_error("; ".join(filter(None, [message, hint, _kept_trace()])))
        return 1


def _kept_trace() -> str:
    """Where the trace of the error lies; empty where there is no room for it."""
    import tempfile
    import traceback
    from pathlib import Path

    log = Path(tempfile.gettempdir()) / f"jam-{os.getpid()}.log"
    try:
        log.write_text(traceback.format_exc())
    except OSError:
        return ""
    return f"details: {log}"


if __name__ == "__main__":
    main()
