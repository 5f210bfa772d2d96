"""A Prefect server of the tests' own (SQLite, loopback), with a worker, for deployments as users run them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE_S = 600.0  # no promise of ours: machines of tests are slow
SET_BY_THE_BLOCK = ("PREFECT_API_URL", "PREFECT_SERVER_ANALYTICS_ENABLED", "DO_NOT_TRACK")
Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found | None], limit_s: float = PATIENCE_S) -> Found:
    """What `look` finds as soon as it finds something."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not after {limit_s:.0f} s")


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


class Listener(ThreadingHTTPServer):
    """Keeps the JSON of every POST."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield listener
        listener.shutdown()


class Server:
    """A running server and worker: the `prefect` command and the API."""

    def __init__(self, folder: Path, notify_url: str) -> None:
        self.port = free_port()
        self.log = folder / "worker.log"
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "INFO",
            "PREFECT_WORKER_QUERY_SECONDS": "1",  # a run that waits is begun at once
            "JAM_NOTIFY_URL": notify_url,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "prefect", "--no-prompt", *arguments]

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as file:
            command = self.command(*arguments)
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=file, stderr=file)

    def api(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(self.environment["PREFECT_API_URL"] + path, data, headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read())

    def stands(self) -> bool:
        try:
            return self.api("/health") is True
        except OSError:
            return False

    def run(self, deployment: str, **parameters: Any) -> str:
        """`prefect deployment run`, not waited for; the id of the run."""
        words = [word for name, value in parameters.items() for word in ("-p", f"{name}={json.dumps(value)}")]
        self.prefect("deployment", "run", deployment, *words)
        return self.api("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC", "limit": 1})[0]["id"]

    def state(self, run: str) -> str:
        return self.api(f"/flow_runs/{run}")["state"]["name"]

    def ended(self, run: str) -> str | None:
        """The name of a run's last state, once it has one."""
        state = self.api(f"/flow_runs/{run}")["state"]
        return state["name"] if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None


def documented() -> list[str]:
    """What docs/deploy.md has one type to run Prefect on one machine, line by line, without its remarks."""
    block = (ROOT / "docs/deploy.md").read_text().partition("## Prefect on one machine")[2].split("```")[1]
    return [line.partition("  #")[0].rstrip() for line in block.strip().splitlines()]


@contextmanager
def serving(folder: Path, notify_url: str) -> Iterator[tuple[Server, psutil.Process]]:
    """A server to which prefect.yaml is deployed as the documentation says, on a port of its own, and its worker."""
    server = Server(folder, notify_url)
    typed = documented()
    told = folder / "worker.pid"
    script = [*typed[: typed.index("jam toy")], f"echo $! > {told}.new", f"mv {told}.new {told}", "wait $!"]
    environment = {name: value for name, value in server.environment.items() if name not in SET_BY_THE_BLOCK}
    with server.log.open("wb") as log:
        lines = "\n".join(script).replace("4200", str(server.port))
        shell = ["bash", "-ec", lines.replace("prefect-server.log", str(folder / "server.log"))]
        typing = subprocess.Popen(
            shell, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        until("the worker", lambda: told.is_file() or typing.poll() is not None)
        assert typing.poll() is None, server.log.read_text()[-4000:]
        worker = psutil.Process(int(told.read_text()))
        yield server, worker
        family = worker.children(recursive=True)
        worker.terminate()
        try:
            typing.wait(30)
        except subprocess.TimeoutExpired:
            worker.kill()
        for member in family:
            if member.is_running():
                member.kill()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(typing.pid, signal.SIGKILL)  # the server, too
        typing.wait()
