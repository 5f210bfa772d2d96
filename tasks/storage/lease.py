"""Who may write a work folder: one process (pid, host) at a time, its holder in ``lease.json`` and known alive by its heartbeat; fences.

Nobody waits for a lock: the last to write the lease holds it, and whoever held it before finds out at its next
heartbeat or commit (the fence) and stops. A lease whose heart stopped, or whose process is gone, is taken over.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from pathlib import Path

from tasks.storage.files import remove_temporaries, write_json

LEASE_NAME = "lease.json"
BEAT_S = 10.0
STALE_S = 60.0  # without a heartbeat, a lease may be taken over after this long
SETTLE_S = 0.2  # two that take a lease at once both wait this long; the one that still stands there has it
PROC = Path("/proc")


class WorkHeld(ValueError):
    """Another process writes this work folder."""


class LeaseLost(RuntimeError):
    """Another process took the work folder over; nothing more may be committed."""


@dataclass(frozen=True)
class Holder:
    """Who holds a work folder; `machine` tells kernels apart that share a host name, `born` processes that share a pid.

    `opened_ns`: what was written since has no record yet (`tasks.upkeep.checksums`); in the storage's own clock.
    """

    token: str
    command: str
    host: str
    machine: str
    pid: int
    born: str
    since: str
    beat_at: float
    opened_ns: int

    @property
    def told(self) -> str:
        """In words."""
        return f"`jam {self.command}` (host {self.host}, pid {self.pid}, since {self.since})"

    def alive(self) -> bool:
        """Its process runs, where that can be seen from here; else its heart beat lately."""
        if self.machine and self.machine == _machine():
            return _born(self.pid) == self.born
        return abs(time.time() - self.beat_at) < STALE_S


@dataclass(frozen=True)
class Fence:
    """The right to commit to a work folder; travels to workers."""

    path: Path
    token: str

    def stands(self) -> bool:
        """The folder is still ours."""
        holder = read_holder(self.path)
        return holder is not None and holder.token == self.token

    def check(self) -> None:
        """Raises LeaseLost when the folder is another's by now."""
        if not self.stands():
            holder = read_holder(self.path)
            taker = holder.told if holder else "someone who removed its lease"
            raise LeaseLost(
                f"work: {self.path.parent} was taken over by {taker}; this run commits nothing more"
            )


class Lease:
    """A work folder held by this process, and its heart."""

    def __init__(self, root: Path, command: str) -> None:
        self.root = root.resolve()
        self.path = self.root / LEASE_NAME
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        pid = os.getpid()
        self.holder = Holder(
            uuid.uuid4().hex,
            command,
            socket.gethostname(),
            _machine(),
            pid,
            _born(pid),
            since,
            time.time(),
            0,
        )
        self.taken_over = False  # from a process that ended without giving it back
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="lease", daemon=True)

    @property
    def fence(self) -> Fence:
        """The right to commit under this lease."""
        return Fence(self.path, self.holder.token)

    def take(self) -> Holder | None:
        """Hold the folder; returns a holder that ended without giving it back.

        Raises:
            WorkHeld: another process holds it.
        """
        before = read_holder(self.path)
        if before is not None and before.alive():
            raise _held(self.root, before)
        self.taken_over = before is not None
        self.opened(before.opened_ns if before else None)
        time.sleep(SETTLE_S)
        if not self.fence.stands():
            raise _held(self.root, read_holder(self.path) or self.holder)
        self._heart.start()
        return before

    def opened(self, since_ns: int | None = None) -> None:
        """What is written from now on (or since then) has no record yet."""
        self._write()
        since_ns = self.path.stat().st_mtime_ns if since_ns is None else since_ns
        self.holder = replace(self.holder, opened_ns=since_ns)
        self._write()

    def give_back(self) -> None:
        """Let the next one have it; a lease that was taken over is left alone."""
        self._ended.set()
        self._heart.join()
        if self.fence.stands():
            remove_temporaries(self.root)
            self.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            with suppress(
                OSError
            ):  # storage that is full or away for a moment; in the end others see no heartbeat
                if not self.fence.stands():
                    return
                self._write()

    def _write(self) -> None:
        write_json(self.path, asdict(replace(self.holder, beat_at=time.time())))


_HELD: list[Lease] = []


@contextmanager
def hold(root: Path, command: str, tell: Callable[[str], None]) -> Iterator[Lease]:
    """The body may write the work folder `root`; what a killed run left half-written there is gone.

    A flow inside a flow of the same process goes on under the lease that is held. `tell` hears of a takeover.

    Raises:
        WorkHeld: another process holds it.
    """
    if (held := _lease_over(root)) is not None:
        yield held
        return
    made = list(takewhile(lambda folder: not folder.exists(), (root, *root.parents)))
    root.mkdir(parents=True, exist_ok=True)
    lease = Lease(root, command)
    if before := lease.take():
        tell(f"work: took {root} over from {before.told}, which ended without giving it back")
    _HELD.append(lease)
    try:
        remove_temporaries(lease.root)
        yield lease
    finally:
        _HELD.remove(lease)
        lease.give_back()
        for folder in made:
            if any(folder.iterdir()):
                break
            folder.rmdir()


def fence_over(path: Path) -> Fence | None:
    """The right of this process to commit to `path`; None where it holds no lease, and so checks none."""
    lease = _lease_over(path)
    return lease.fence if lease else None


def read_holder(path: Path) -> Holder | None:
    """Who a lease file names; None where there is none, or none that can be read."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _lease_over(path: Path) -> Lease | None:
    place = path.resolve()
    return next((lease for lease in _HELD if lease.root in (place, *place.parents)), None)


def _held(root: Path, holder: Holder) -> WorkHeld:
    return WorkHeld(f"work: {root} is held by {holder.told}; let it end or stop it, or give another --work")


def _machine() -> str:
    """This boot of this kernel and the processes it shows us; empty where the system does not say."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(PROC / 'self/ns/pid')}"
    except OSError:
        return ""


def _born(pid: int) -> str:
    """When a process started, as the kernel counts; empty when there is none, or only its remains."""
    try:
        state, *rest = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]
