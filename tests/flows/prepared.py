"""`prepare` on toy songs in a process of its own, without Prefect around it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flows.settings.params import load_params
from tasks.toy.params import render

ROOT = Path(__file__).resolve().parents[2]
DRIVER = """
import sys
from flows.prepare import run_prepare
from flows.settings.project import Project
run_prepare(Project.at(sys.argv[1], None, sys.argv[2:]))
"""

AGAIN = """
import hashlib
from pathlib import Path
def digests():
    folders = [Path(sys.argv[1]) / name for name in ("table", "shards")]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
made = digests()
run_prepare(Project.at(sys.argv[1], None, sys.argv[2:]))
print("the same bytes" if digests() == made else "other bytes")
"""


def toy_songs(folder: Path, count: int) -> Path:
    """A folder of toy songs."""
    render(load_params().toy.model_copy(update={"out": str(folder), "num_songs": count, "seed": 3}))
    return folder / "songs"


def preparing(songs: Path, work: str, *settings: str, program: str = DRIVER) -> subprocess.Popen[str]:
    """The running process."""
    return subprocess.Popen(
        [sys.executable, "-c", program, work, f"songs.path={songs}", *settings],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def prepare(songs: Path, work: str, *settings: str) -> str:
    """What it said, when it ended well."""
    return said_by(preparing(songs, work, *settings))


def prepare_twice(songs: Path, work: str, *settings: str) -> str:
    """The same of two runs in one process, and whether the second one left the table and the shards as they were."""
    return said_by(preparing(songs, work, *settings, program=DRIVER + AGAIN))


def said_by(running: subprocess.Popen[str]) -> str:
    """What a run said, when it ended well."""
    said = running.communicate(timeout=600)[0]
    assert running.returncode == 0, said
    return said
