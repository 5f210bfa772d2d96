"""The server of the desk (uvicorn): on this machine alone, its port and socket, at an address with a token that changes each time."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from flows.desk.app import desk_app
from flows.desk.desk import Desk
from flows.desk.guard import LOOPBACK, TOKEN, Guard
from flows.desk.maker import Maker
from flows.desk.queue import JobQueue
from flows.run.progress import progress_bar, say
from flows.settings.project import Project

TOKEN_BYTES = 24
CLOSING_S = 1  # for what is still being answered


def serve(project: Project, port: int, checkpoint: Path | None, settings: Sequence[str]) -> None:
    """Bring the index up to date, print the address and answer until it is stopped, which is its end; `port` 0: a free one.

    `checkpoint`: what generates; None: the kept one. `settings`: those the command was given, for what it starts.

    Raises:
        ValueError: nothing has been prepared there, or the port is taken.
    """
    desk = Desk.of(project)
    maker = Maker(project, checkpoint, JobQueue(desk.root, tuple(settings)))
    listening, token = _bound(port), secrets.token_urlsafe(TOKEN_BYTES)
    with progress_bar("desk index", "partitions") as show:
        desk.index.refresh(show)
    port = listening.getsockname()[1]
    say(f"desk: http://{LOOPBACK}:{port}/?{TOKEN}={token} (Ctrl-C closes it)")
    maker.open()
    config = uvicorn.Config(
        Guard(desk_app(desk, maker), token, port),
        log_level="critical",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=CLOSING_S,
    )
    server = uvicorn.Server(config)

    def close(kind: int, frame: object) -> None:
        server.should_exit = True

    signal.signal(signal.SIGHUP, close)  # what the supervisor tells it
    with suppress(KeyboardInterrupt):  # where nothing supervises
        server.run(sockets=[listening])
    sys.stdout.flush()
    os._exit(0)  # what is still being answered writes whole files or none


def _bound(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen()  # a browser that is quicker than the server waits
    except OSError as error:
        listening.close()
        raise ValueError(
            f"port: {port} cannot be had ({error.strerror}); give another, or 0 for a free one"
        ) from None
    return listening
