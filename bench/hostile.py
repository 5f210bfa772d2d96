"""What comes of hostile input: every parser is given thousands of damaged files, and each must end with a reason.

python bench/hostile.py --inputs 250 --out bench/results/hostile.json

Every input is read in a child process with a limit on time and memory. It may be taken or refused with a reason.
Anything else counts against us: a process that dies, one that hangs, an exception that is no refusal, a song
that is neither taken nor refused, and a pickle that ran (it would leave a file behind).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hostile_desk import DeskReaders
from hostile_lyrics import LyricsReaders
from hostile_scratch import Reader
from hostile_songs import SongReaders
from hostile_tensors import TensorReaders
from hostile_weights import WeightReaders

HANG_S = 20.0
START_S = 300.0  # a child imports torch, on a busy machine
MEMORY_BYTES = 6 << 30
TAKEN = "taken"


def readers(folder: Path, canary: Path) -> dict[str, Reader]:
    """All of them, by name."""
    kinds = (LyricsReaders, SongReaders, DeskReaders, TensorReaders, WeightReaders)
    return {name: read for kind in kinds for name, read in kind(folder, canary).targets().items()}


def child(
    target: str, seed: int, first: int, last: int, folder: Path, canary: Path, told: Connection
) -> None:
    """Reads inputs `first` to `last`; tells each as it starts and what came of it."""
    torch.set_num_threads(1)
    read = readers(folder, canary)[target]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for number in range(first, last):
        told.send(number)
        try:
            read(np.random.default_rng([seed, number]))
            outcome = TAKEN
        except ValueError as error:
            outcome = f"refused: {str(error).partition(':')[0][:40]}"
        except Exception as error:  # what is no refusal is a finding
            outcome = f"UNACCOUNTED {type(error).__name__}: {str(error)[:200]}"
        told.send(outcome)


def run_target(target: str, seed: int, num_inputs: int, folder: Path, canary: Path) -> dict[str, Any]:
    """Counts of outcomes of one target; a child that dies or hangs is replaced and its input named."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hostile_songs", "hostile_tensors"])
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # the server of Python 3.11 is given no other
    counts: Counter[str] = Counter()
    findings: list[str] = []
    number = 0
    while number < num_inputs:
        here, there = context.Pipe(duplex=False)
        process = context.Process(
            target=child, args=(target, seed, number, num_inputs, folder, canary, there), daemon=True
        )
        process.start()
        there.close()
        limit_s = START_S
        try:
            while number < num_inputs:
                if not here.poll(limit_s):
                    raise TimeoutError
                here.recv()  # it has begun
                limit_s = HANG_S
                if not here.poll(limit_s):
                    raise TimeoutError
                outcome = here.recv()
                kind = outcome.split(" ")[0].rstrip(":").lower()
                counts[kind] += 1
                if kind == "unaccounted":
                    findings.append(f"input {number}: {outcome}")
                number += 1
        except (EOFError, TimeoutError) as error:
            kind = "hung" if isinstance(error, TimeoutError) else "crashed"
            counts[kind] += 1
            findings.append(f"input {number}: {kind}")
            number += 1
        process.kill()
        process.join()
    ran = canary.exists()
    canary.unlink(missing_ok=True)
    kinds = ("taken", "refused", "unaccounted", "crashed", "hung")
    return {
        "inputs": num_inputs,
        **{kind: counts[kind] for kind in kinds},
        "code_run": ran,
        "findings": findings,
    }


def run(num_inputs: int, seed: int, only: list[str] | None = None) -> dict[str, Any]:
    """Every target, and the sums."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, canary = Path(scratch, "work"), Path(scratch, "canary")
        names = only or list(readers(folder, canary))
        results = {name: run_target(name, seed, num_inputs, folder, canary) for name in names}
    keys = ("inputs", "taken", "refused", "unaccounted", "crashed", "hung", "code_run")
    return {
        "seed": seed,
        "hang_s": HANG_S,
        "memory_bytes": MEMORY_BYTES,
        "total": {key: sum(result[key] for result in results.values()) for key in keys},
        "targets": results,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=250, help="of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", help="only this one")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    result = run(given.inputs, given.seed, given.target)
    text = json.dumps(result, indent=1) + "\n"
    print(text)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text)
