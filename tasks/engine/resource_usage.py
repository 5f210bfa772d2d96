"""What a piece of work took (`Meter`): seconds by what they were spent on, memory at its peak, and the device (GPU).

Host facts all: they go into receipts, never into a fingerprint or a column.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import ModuleType

MIB = 2**20
OWN_PROCESS = Path("/proc/self")


class Meter:
    """Runs from its making on; `spent` sums the seconds of each kind of `spending`."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._cpu_started = time.process_time()
        self.spent: dict[str, float] = defaultdict(float)
        self._own_peak = _forget_host_peak()
        if torch := _torch_on_gpu():
            torch.cuda.reset_peak_memory_stats()

    def spending(self, kind: str) -> _Spending:
        """A context; the body's seconds count as `kind`."""
        return _Spending(self.spent, kind)

    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._started

    def cpu_seconds(self) -> float:
        """Seconds of processors that all threads of this process used since the start."""
        return time.process_time() - self._cpu_started

    def peak_memory_mb(self) -> float:
        """Most memory of this process since the start; of its whole life where the system cannot say."""
        if self._own_peak:
            for line in (OWN_PROCESS / "status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def peak_gpu_memory_mb(self) -> float | None:
        """Most memory torch held on its GPU since the start; None where torch uses none here."""
        torch = _torch_on_gpu()
        return torch.cuda.max_memory_allocated() / MIB if torch else None

    def device(self) -> str:
        """The GPU torch uses in this process, by its name, or ``cpu``. GPUs used without torch are not seen."""
        torch = _torch_on_gpu()
        return torch.cuda.get_device_name() if torch else "cpu"


class _Spending:
    """Adds the body's seconds to its kind. A class, since a stage of nothing enters it twice a song: a generator takes as
    long as all the rest.
    """

    __slots__ = ("kind", "spent", "started")

    def __init__(self, spent: dict[str, float], kind: str) -> None:
        self.spent, self.kind = spent, kind

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self.spent[self.kind] += time.perf_counter() - self.started


def _torch_on_gpu() -> ModuleType | None:
    """Torch, if somebody imported it and put it on a GPU; never imported or initialised by being asked."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and torch.cuda.is_initialized() else None


def _forget_host_peak() -> bool:
    """Whether the system (Linux) let the peak start again from what is held now."""
    try:
        (OWN_PROCESS / "clear_refs").write_text("5")
    except OSError:
        return False
    return True
