"""Prefect's server goes away: what runs ends its work or one line says why not, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows.commands import headings
from flows.commands import main as cli
from flows.run import prefect_server
from flows.run import prefect_tasks as stages
from flows.run.prefect_server import is_lost
from flows.run.prefect_tasks import LiveProgress
from tasks.engine.scheduler import StageReport
from tests.flows.prefect_server import ROOT, Server, until
from tests.flows.prepared import prepare, toy_songs

SETTINGS = ["engine.num_workers=1"]


def lost(*_: Any, **__: Any) -> Any:
    """As Prefect's client tells it before a run has begun."""
    try:
        raise httpx.ConnectError("All connection attempts failed")
    except httpx.ConnectError as error:
        raise RuntimeError("Failed to reach API at http://127.0.0.1:4200/api/") from error


def test_server_that_does_not_answer_is_one_line_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(headings, "app", lost)
    assert cli.run(["prepare"]) == 1
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and "Prefect's server does not answer; start it again" in said
    assert not is_lost(RuntimeError("of another kind"))


def test_stages_that_run_go_on_without_the_server_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("prefect.artifacts.create_progress_artifact", lambda **_: "id")
    monkeypatch.setattr("prefect.artifacts.update_progress_artifact", lost)
    monkeypatch.setattr(stages, "PROGRESS_EVERY_S", 0.0)
    live = LiveProgress()
    for fresh in (0, 1, 2):
        live.update(StageReport("pack", 2, fresh))
    assert capfd.readouterr().out.count("Prefect's server does not answer") == 1
    monkeypatch.setattr("prefect.artifacts.update_progress_artifact", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        LiveProgress().update(StageReport("pack", 2, 2))


def test_no_server_is_started_where_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_server.subprocess, "Popen", lambda *_, **__: pytest.fail("one was started"))
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        prefect_server.start_temporary_server()


def test_a_home_that_cannot_be_made_is_named_before_a_server_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefect_server.subprocess, "Popen", lambda *_, **__: pytest.fail("one was started"))
    (tmp_path / "file").touch()
    with (
        temporary_settings({PREFECT_HOME: tmp_path / "file" / "home"}, restore_defaults={PREFECT_API_URL}),
        pytest.raises(ValueError, match=r"PREFECT_HOME: .*home cannot be made .*; set it to a folder"),
    ):
        prefect_server.start_temporary_server()


@pytest.mark.parametrize(
    ("words", "told"),
    [("no such module", "no such module"), ("OSError: no room\nExiting.", "OSError: no room")],
)
def test_a_server_that_ends_before_it_answers_is_told_with_its_error_or_last_words(
    words: str, told: str
) -> None:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(["sh", "-c", f"printf '{words}' >&2; exit 1"], stderr=log)
        process.wait()
        with pytest.raises(RuntimeError, match=f"did not start: {told}$"):
            prefect_server._wait(process, "http://127.0.0.1:9/api", log)


def test_a_temporary_server_ends_with_the_process_that_started_it() -> None:
    code = "from flows.run import prefect_server as server; server._end_with_input()"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE)
    assert process.poll() is None and process.stdin
    process.stdin.close()  # as the kernel does for a process that was killed
    assert process.wait(10) == -signal.SIGKILL


@pytest.mark.slow
def test_server_killed_in_the_middle_of_prepare_is_one_line_and_the_next_run_completes(
    tmp_path: Path,
) -> None:
    songs, work = toy_songs(tmp_path / "toy", 4), tmp_path / "W"
    server = Server(tmp_path, "")
    serving = server.start(tmp_path / "server.log", "server", "start", "--port", str(server.port))
    try:
        until("the server", server.stands)
        command = [
            sys.executable,
            "-m",
            "flows.commands.main",
            "prepare",
            "--songs",
            str(songs),
            "--work",
            str(work),
        ]
        command += [word for setting in SETTINGS for word in ("--set", setting)]
        environment = {**server.environment, "PREFECT_CLIENT_MAX_RETRIES": "1"}
        environment.pop("PREFECT_LOGGING_LEVEL")  # as the command sets it
        run = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until("a column file", lambda: list(work.glob("table/separate/*.parquet")))
    finally:
        for process in [*psutil.Process(serving.pid).children(recursive=True), serving]:
            process.kill()
        serving.wait()
    said, complained = run.communicate(timeout=600)
    assert run.returncode == 1, said + complained
    assert complained.count("\n") == 1 and "Prefect's server does not answer; start it again" in complained
    assert not (work / "lease.json").exists() and not list(work.rglob(".tmp-*"))
    assert "4 of 4 songs kept" in prepare(songs, str(work), *SETTINGS)
