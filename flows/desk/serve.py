"""The server of the desk: on this machine alone, at an address with a token that changes each time."""

from __future__ import annotations

import secrets
import socket

import uvicorn

from flows.desk.app import desk_app
from flows.desk.desk import Desk
from flows.desk.guard import LOOPBACK, TOKEN, Guard
from flows.run.progress import progress_bar, say
from flows.settings.project import Project

TOKEN_BYTES = 24


def serve(project: Project, port: int) -> None:
    """Bring the index up to date, print the address and answer until it is stopped; `port` 0: a free one.

    Raises:
        ValueError: nothing has been prepared there, or the port is taken.
    """
    desk = Desk.of(project)
    listening, token = _bound(port), secrets.token_urlsafe(TOKEN_BYTES)
    with progress_bar("desk index", "partitions") as show:
        desk.index.refresh(show)
    port = listening.getsockname()[1]
    say(f"desk: http://{LOOPBACK}:{port}/?{TOKEN}={token}")
    config = uvicorn.Config(
        Guard(desk_app(desk), token, port),
        log_level="error",
        access_log=False,
        server_header=False,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listening])


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
