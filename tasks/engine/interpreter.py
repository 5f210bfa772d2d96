"""Another Python for a stage (a subprocess that is asked its cache key): packages that cannot share one environment run side by side.

Such an interpreter needs the Ray and the minor version of this one. Everything that says what a stage is made
of (package versions, models, weights) is asked of the interpreter that will run it.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import sysconfig
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tasks.engine.fingerprint import stage_cache_key
from tasks.engine.stage import BadModel, Stage

ANSWER_LIMIT_S = 300.0
ASKED = "import sys; from importlib.metadata import version; print(*sys.version_info[:2], version('ray'))"


@cache
def check_interpreter(setting: str, python: str) -> None:
    """Raises a ValueError when this is no Python that can run workers of ours."""
    if not os.access(python, os.X_OK) or not Path(python).is_file():
        raise ValueError(f"{setting}: {python} is no program; give the path of an environment's bin/python")
    major, minor, ray = [*map(str, sys.version_info[:2]), version("ray")]
    try:
        answer = subprocess.run([python, "-c", ASKED], capture_output=True, text=True, timeout=ANSWER_LIMIT_S)
        there = answer.stdout.split()
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        there = []
    if there != [major, minor, ray]:
        found = (
            f"Python {'.'.join(there[:2])} with ray {there[2]}" if len(there) == 3 else "no Python with ray"
        )
        raise ValueError(f"{setting}: {python} is {found}; give one of Python {major}.{minor} with ray {ray}")


def source_path() -> str:
    """PYTHONPATH for another interpreter: our source folders, and nothing of this environment's packages."""
    own = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")}
    inside = tuple(str(Path(path).resolve()) for path in own)
    folders = [str(Path(path or ".").resolve()) for path in sys.path]
    return os.pathsep.join(path for path in folders if Path(path).is_dir() and not path.startswith(inside))


def ask_cache_key(python: str, stage: Stage) -> dict[str, Any]:
    """`stage_cache_key` as another interpreter sees it.

    Raises:
        BadModel: a package or weights are missing there.
        ValueError: the interpreter cannot say, for another reason.
    """
    setting = f"engine.stages.{stage.name}.python"
    try:
        asked = subprocess.run(
            [python, "-m", "tasks.engine.interpreter"],
            input=pickle.dumps(stage),
            capture_output=True,
            env={**os.environ, "PYTHONPATH": source_path()},
            timeout=ANSWER_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"{setting}: {python} gave no answer in {ANSWER_LIMIT_S:.0f} s") from None
    if asked.returncode:
        lines = asked.stderr.decode(errors="replace").strip().splitlines() or ["it ended without a word"]
        raise ValueError(
            f"{setting}: {python} cannot run the stage: {lines[-1]}; install what it needs there"
        )
    answer = json.loads(asked.stdout.splitlines()[-1])
    if "bad_model" in answer:
        raise BadModel(f"{answer['bad_model']} (asked of {python})")
    return answer["cache_key"]


def main() -> None:
    """Answers `ask_cache_key`: a stage of our own on standard input, its cache_key on standard output."""
    stage: Stage = pickle.load(sys.stdin.buffer)
    answer: dict[str, Any]
    try:
        answer = {"cache_key": stage_cache_key(stage)}
    except BadModel as error:
        answer = {"bad_model": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
