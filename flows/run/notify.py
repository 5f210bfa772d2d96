"""What is told of a run's end: one POST to ``JAM_NOTIFY_URL`` (HOOKS of every flow), and one line in its log for a foreseen failure."""

from __future__ import annotations

import json
import logging
import os
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State
    from prefect.flows import Flow

from flows.run.progress import FORESEEN

VARIABLE = "JAM_NOTIFY_URL"  # a web hook's URL is a secret: from the environment alone
LIMIT_S = 10.0


def notify(flow: Flow[Any, Any], flow_run: FlowRun, state: State) -> None:
    """Tell of a run that somebody started; the flows inside it are not told of.

    The body is JSON with `text` (what chat services show), `flow`, `run`, `id`, `state` and `message`. A hook that
    cannot be reached is a warning in the run's log: no run fails for it.
    """
    url = os.environ.get(VARIABLE)
    if not url or flow_run.parent_task_run_id is not None:
        return
    name = "Cancelled" if state.is_cancelling() else state.name  # told before the server calls it so
    words = {
        "text": f"{flow_run.name}: {name}" + (f" ({state.message})" if state.message else ""),
        "flow": flow.name,
        "run": flow_run.name,
        "id": str(flow_run.id),
        "state": name,
        "message": state.message,
    }
    try:
        if not url.startswith(("https://", "http://")):
            raise ValueError("it is no http or https address")
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(words).encode(), headers)
        urllib.request.urlopen(request, timeout=LIMIT_S).close()
    except (OSError, ValueError) as error:
        from prefect.logging import get_logger

        get_logger(__name__).warning("%s: nobody was told: %s", VARIABLE, error)


HOOKS: dict[str, Any] = {
    name: [notify] for name in ("on_completion", "on_failure", "on_crashed", "on_cancellation")
}
"""For every flow that can be deployed."""


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line belongs into a run's log: the trace of a foreseen error does at DEBUG alone.

    Prefect logs it twice; the run's last line, `Finished in state Failed(...)`, has the error's words.
    """
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, FORESEEN):
        return True
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_is_news)
