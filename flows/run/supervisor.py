"""The process that a terminal knows: it runs a command in a child, hands on signals, stops it when told to, kills the family by pid, and leaves nothing running.

The child has a session of its own, so the terminal's keys reach this process alone, which imports nothing that is slow to
end. It tells the child to stop, ends what has not ended after `GRACE_S`, and says one line. Orphans of the child become
its own children (Linux's subreaper), so none is missed; were it killed itself, the kernel would end the child.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

TYPE_CHECKING = (
    False  # typing's own would be imported, and until this module is, Ctrl-C ends in Python's words
)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

STOPPED = 130
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 5.0  # for an orderly end: a server that shows the run is told, the work folder given back
GONE_S = 3.0  # after SIGKILL, until the kernel has taken a process away
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # Linux, sys/prctl.h
_leaves: list[bool] = []
SHOW_CURSOR = b"\x1b[?25h\n"  # which bars hide while they live


def supervise(command: Callable[[], int]) -> int:
    """Exit code of `command`, which runs in a child process; 130 when it was stopped, 1 when something killed it.

    Ctrl-C, SIGTERM and SIGHUP stop it, a second one at once. In the child this does not return: it exits with the code.
    Where there is no Linux, the command runs in this process.
    """
    if sys.platform != "linux":
        return command()
    told = {kind for kind in STOPS if signal.getsignal(kind) is not signal.SIG_IGN}  # nohup ignores SIGHUP
    watched = {*told, signal.SIGTSTP, signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    _prctl(SET_CHILD_SUBREAPER, 1)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.setsid()
        _prctl(SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(STOPPED)
        _run(command, mask)
    status, was_told = _watched(child, watched)
    _end_family()
    code = os.waitstatus_to_exitcode(status)
    if code == STOPPED or (was_told and code != 0):
        _say("stopped; the same command goes on from what was committed")
        return STOPPED
    if was_told and code == 0:
        _say("closed")
    if code < 0:
        name = signal.Signals(-code).name
        memory = " (the system does so when memory runs out)" if -code == signal.SIGKILL else ""
        _say(f"ended from outside by {name}{memory}; the same command goes on from what was committed")
        return 1
    return code


def _run(command: Callable[[], int], mask: set[int | signal.Signals]) -> NoReturn:
    """The child: raises KeyboardInterrupt in `command` when it is to stop, and is silent from then on."""
    for kind in STOPS:
        signal.signal(kind, _interrupt)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = command()
    except KeyboardInterrupt:
        code = STOPPED
    if code == STOPPED or _leaves:  # what an orderly exit would still wait for, this process's parent ends
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def leave_at_once() -> None:
    """At its end the command's process waits for nothing: a server that is gone would be told of every event, ten times a second apart."""
    _leaves.append(True)


def _interrupt(kind: int, frame: object) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    raise KeyboardInterrupt


def _watched(child: int, watched: set[signal.Signals]) -> tuple[int, bool]:
    """Wait for the child and pass on what this process is told; the child's wait status, and whether it was stopped."""
    limit: float | None = None
    while True:
        left_s = 3600.0 if limit is None else max(0.0, limit - time.monotonic())
        heard = signal.sigtimedwait(watched, left_s)
        kind = heard.si_signo if heard else None
        if kind == signal.SIGCHLD:
            if (status := _reaped(child)) is not None:
                return status, limit is not None
        elif kind == signal.SIGTSTP:
            _pause()
        elif kind is not None and limit is None:
            limit = time.monotonic() + GRACE_S
            os.kill(
                child, signal.SIGHUP
            )  # not SIGINT, which Ray Train takes, nor SIGTERM, which Prefect takes
        elif limit is not None:
            _kill_family()
            limit = time.monotonic() + GRACE_S


def _reaped(child: int) -> int | None:
    """Take away the remains of every child that has ended; the wait status of this one, if it is among them."""
    found = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                found = ended[1]
    return found


def _pause() -> None:
    """Ctrl-Z: everything stands still until the shell lets this process go on."""
    _kill_family(signal.SIGSTOP)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
    _kill_family(signal.SIGCONT)


def _end_family() -> None:
    """End whatever the child left behind."""
    limit = time.monotonic() + GONE_S
    while _kill_family() and time.monotonic() < limit:
        time.sleep(0.02)
        _reaped(0)


def _kill_family(kind: signal.Signals = signal.SIGKILL) -> int:
    """Send a signal to every process that descends from this one; how many there were."""
    family = _descendants(os.getpid())
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, kind)
    return len(family)


def _descendants(ancestor: int) -> list[int]:
    """Processes below this one, parents first; also what remains of those that have ended."""
    children: dict[int, list[int]] = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(pid)
    found = list(children.get(ancestor, ()))
    for pid in found:
        found += children.get(pid, ())
    return found


def _prctl(option: int, value: int) -> None:
    """Set what Linux keeps of this process."""
    import ctypes

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _say(line: str) -> None:
    """One line on standard error, under whatever stood on the terminal's last line."""
    with suppress(OSError):  # a terminal that was closed
        for screen in filter(os.isatty, (2, 1)):
            os.write(screen, SHOW_CURSOR)
            break
        os.write(2, f"jam: {line}\n".encode())
