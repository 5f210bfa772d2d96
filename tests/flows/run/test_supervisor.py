"""A supervised command is stopped at once by whatever stops it, and nothing of it runs on."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from textwrap import indent

import psutil
import pytest

from tests.flows.prefect_server import ROOT, until
from tests.flows.prepared import toy_songs

LINE = "jam: stopped; the same command goes on from what was committed\n"
PRELUDE = """
import os, signal, subprocess, sys, time
from flows.run import supervisor
def started():  # a grandchild in a session of its own, which ignores what is polite
    code = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; time.sleep(60)"
    pid = subprocess.Popen([sys.executable, "-c", code], start_new_session=True).pid
    print(os.getpid(), pid, flush=True)
"""
WAITS = """
started()
time.sleep(60)
"""
DEAF = """
for kind in supervisor.STOPS:
    signal.signal(kind, signal.SIG_IGN)
started()
time.sleep(60)
"""
TIDY = """
started()
try:
    time.sleep(60)
finally:
    print("tidied")
    print("tidied", file=sys.stderr)
"""


def supervised(body: str, *before: str, grace_s: float = 0.2) -> subprocess.Popen[str]:
    """A process that supervises `body`; its session is the one a terminal would signal."""
    command = f"def command():\n{indent(body, '    ')}\n    return 0\n"
    code = f"{PRELUDE}\nsupervisor.GRACE_S = {grace_s}\n{command}\nsys.exit(supervisor.supervise(command))"
    return subprocess.Popen(
        [*before, sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def family(process: subprocess.Popen[str]) -> list[int]:
    """The supervised process and its grandchild, once both stand."""
    assert process.stdout
    return [int(word) for word in process.stdout.readline().split()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda kind: kind.name)
def test_what_stops_a_command_ends_all_of_it_in_one_line(kind: signal.Signals) -> None:
    process = supervised(WAITS)
    members = family(process)
    os.killpg(process.pid, kind)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, LINE)
    assert not any(map(runs, members))


def test_a_command_that_does_not_listen_is_ended_by_force() -> None:
    process = supervised(DEAF)
    members = family(process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, LINE)
    assert not any(map(runs, members))


def key(process: subprocess.Popen[str]) -> bool:
    """Ctrl-C once more; whether the command had ended by then."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    return process.poll() is not None


def test_a_second_key_does_not_wait_for_an_orderly_end() -> None:
    process = supervised(DEAF, grace_s=60.0)
    members = family(process)
    until("its end", lambda: key(process), 30)  # on a busy machine two keys may come as one
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, LINE)
    assert not any(map(runs, members))


def test_what_is_said_after_the_key_is_the_one_line() -> None:
    process = supervised(TIDY, grace_s=30.0)
    family(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30) == ("", LINE)


@pytest.mark.parametrize("of", ["supervisor", "command"])
def test_a_kill_of_either_process_leaves_no_other(of: str) -> None:
    """What the command started ends with it, as Prefect's temporary server and Ray's processes do."""
    process = supervised("print(os.getpid(), flush=True)\ntime.sleep(60)")
    child = family(process)[0]
    os.kill(process.pid if of == "supervisor" else child, signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    until("the other's end", lambda: not runs(child), 10)
    if of == "command":
        assert process.returncode == 1 and "ended from outside by SIGKILL" in said and said.count("\n") == 1


def test_leftovers_of_a_command_that_ended_by_itself_are_ended_and_its_code_is_kept() -> None:
    process = supervised("started()\nsys.exit(7)")
    members = family(process)
    assert process.wait(30) == 7
    assert not any(map(runs, members))
    waits = "import threading\nthreading.Thread(target=time.sleep, args=(90,)).start()\n"
    process = supervised(
        f"{waits}print('told')\nsupervisor.leave_at_once()\nsys.stderr.write('why')\nreturn 7"
    )
    assert process.communicate(timeout=60) == ("told\n", "why") and process.returncode == 7


def test_a_command_under_nohup_outlives_its_terminal() -> None:
    process = supervised("print(0, flush=True)\ntime.sleep(0.3)", "nohup")
    family(process)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(30) == 0


@pytest.mark.slow
def test_ctrl_c_on_a_terminal_ends_prepare_with_ray_and_prefect(tmp_path: Path) -> None:
    songs, work = toy_songs(tmp_path / "toy", 2), tmp_path / "W"
    pid, screen = pty.fork()
    if pid == 0:
        os.environ |= {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path / "prefect")}
        command = [sys.executable, "-m", "flows.commands.main", "prepare"]
        os.execv(command[0], [*command, "--songs", str(songs), "--work", str(work)])
    command = psutil.Process(pid)
    shown = b""

    def read() -> bool:
        nonlocal shown
        try:
            new = os.read(screen, 65536) if select.select([screen], [], [], 0.2)[0] else b""
        except OSError:  # the other side is closed
            return False
        shown += new
        return bool(new)

    def works() -> bool:
        read()
        with suppress(psutil.Error):
            return any(member.name().startswith("ray::") for member in command.children(recursive=True))
        return False

    def ended() -> tuple[int, int] | None:
        read()
        found = os.waitpid(pid, os.WNOHANG)
        return found if found[0] else None

    until("a Ray worker", works)
    family = command.children(recursive=True)
    assert any("prefect_server" in " ".join(member.cmdline()) for member in family)
    os.write(screen, b"\x03")
    pressed = time.monotonic()
    _, status = until("the prompt", ended)
    assert time.monotonic() - pressed < 10.0
    while read():
        pass
    os.close(screen)
    assert os.waitstatus_to_exitcode(status) == 130
    assert shown.decode(errors="replace").replace("\r", "").endswith(LINE) and shown.count(b"jam: ") == 1
    assert not any(runs(member.pid) for member in family)
