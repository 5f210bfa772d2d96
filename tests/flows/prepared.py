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


def toy_songs(folder: Path, count: int) -> Path:
    """A folder of toy songs."""
    render(load_params().toy.model_copy(update={"out": str(folder), "num_songs": count, "seed": 3}))
    return folder / "songs"


def preparing(songs: Path, work: str, *settings: str) -> subprocess.Popen[str]:
    """The running process."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, work, f"songs.path={songs}", *settings],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def prepare(songs: Path, work: str, *settings: str) -> str:
    """What it said, when it ended well."""
    running = preparing(songs, work, *settings)
    said = running.communicate(timeout=600)[0]
    assert running.returncode == 0, said
    return said
