"""A supervised command is stopped at once by whatever stops it, and nothing of it runs on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import indent

import pytest

from tests.flows.prefect_server import ROOT, until

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


def test_a_second_key_does_not_wait_for_an_orderly_end() -> None:
    process = supervised(DEAF, grace_s=60.0)
    members = family(process)
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.02)
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


def test_a_command_under_nohup_outlives_its_terminal() -> None:
    process = supervised("print(0, flush=True)\ntime.sleep(0.3)", "nohup")
    family(process)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(30) == 0
