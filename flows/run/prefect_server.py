"""Prefect's server: a temporary one (host, port, url, home, process) for the length of a command, where Prefect is told of none, and whether a server is lost.

A server shows a run and is not needed for its work. Prefect would start one itself, which outlives a process that is killed, and for which the client imports the whole server.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import IO

from tasks.storage.retry import GOES_ON

HINT = f"Prefect's server does not answer; start it again, or unset PREFECT_API_URL if you set it; {GOES_ON}"
ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_LIMIT_S = 120.0  # a busy host, or a fresh home whose database is made
TELL_AFTER_S = 20.0
END_LIMIT_S = 5.0
POLL_S = 0.1


def start_temporary_server() -> None:
    """Start a server and point Prefect at it; nothing where a setting names a server already.

    The server ends with this process, in whatever way that ends: its standard input is a pipe from here.

    Raises:
        ValueError: its home, where the server keeps its database, cannot be made.
        RuntimeError: it did not answer in time.
    """
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME

    if PREFECT_API_URL.value():
        return
    _make_home(PREFECT_HOME.value())
    port = _free_port()
    url = f"http://{HOST}:{port}/api"
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.run.prefect_server", str(port)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
        atexit.register(_end, process)
        import prefect.flows  # noqa: F401  # meanwhile: it is needed next, and takes as long as the server's start

        _wait(process, url, log)
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()


def is_lost(error: BaseException) -> bool:
    """Whether an error came of a server that could not be reached."""
    from httpx import TransportError  # what Prefect's client raises

    at: BaseException | None = error
    while at is not None and not isinstance(at, TransportError):
        at = at.__cause__ or at.__context__
    return at is not None


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{home} cannot be made ({error.strerror})"
        raise ValueError(f"PREFECT_HOME: {reason}; set it to a folder of your own") from None


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind((HOST, 0))
        port: int = asked.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> None:
    from flows.run.progress import say  # not needed by the server's own process

    begun = time.monotonic()
    is_told = False
    while process.poll() is None and (left_s := begun + START_LIMIT_S - time.monotonic()) > 0:
        if not is_told and left_s < START_LIMIT_S - TELL_AFTER_S:
            say(f"prefect: its server has not answered yet; it has {left_s:.0f} s more")
            is_told = True
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=left_s):
                return
        except OSError:
            time.sleep(POLL_S)
    log.seek(0)
    said = log.read().decode(errors="replace").strip().splitlines()
    last = [line for line in said if "Error" in line][-1:] or said[-1:]
    late = (
        f"it gave no answer in {START_LIMIT_S:.0f} s, most likely because this machine is busy; "
        "give the command again, or set PREFECT_API_URL to a server that runs"
    )
    raise RuntimeError(f"Prefect's temporary server did not start: {' '.join(last) or late}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()


def main() -> None:
    """The server's process: serves on the port that its argument names, until its standard input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=True, final=True)
    uvicorn.run(app, host=HOST, port=int(sys.argv[1]), log_level="error", lifespan="on")


def _end_with_input() -> None:
    while os.read(0, 65536):  # not through sys.stdin, whose lock an orderly exit would want
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
