"""Compiled functions: no folder for two processes, one that is free again is found again, and what others compiled is not compiled anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHILD = """
import sys
from tasks.storage.numba_cache import keep_compiled_apart
print(keep_compiled_apart(), flush=True)
sys.stdin.read()
"""


def started(root: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def place(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_processes_that_live_at_once_have_a_folder_each_and_the_next_has_what_they_compiled(
    tmp_path: Path,
) -> None:
    first, second = started(tmp_path), started(tmp_path / "process-0")  # the second as a child of the first
    places = {place(first), place(second)}
    assert places == {str(tmp_path / "process-0"), str(tmp_path / "process-1")}
    compiled = tmp_path / "process-0" / "beat_1"
    compiled.mkdir()
    for name in (
        "beat.frame-3.py311.nbi",
        "beat.frame-3.py311.1.nbc",
        "beat.frame-3.py311.1.nbc.tmp.1",
        "other.nbc",
    ):
        (compiled / name).write_bytes(name.encode())
    fourth = started(tmp_path)
    brought = Path(place(fourth)) / "beat_1"
    assert {path.name: path.read_bytes() for path in brought.iterdir()} == {
        name: name.encode() for name in ("beat.frame-3.py311.nbi", "beat.frame-3.py311.1.nbc")
    }
    fourth.communicate()
    first.kill()
    first.wait()
    third = started(tmp_path)
    assert place(third) in places
    for process in (second, third):
        process.communicate()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["process-0", "process-1", "process-2"]
