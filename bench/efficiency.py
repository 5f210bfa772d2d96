"""How much of two cores `prepare` uses: the same toy songs by one worker, then by two.

python bench/efficiency.py [--songs 640] [--partition-size 16] [--workers 2]

Efficiency is the seconds of all partitions in one worker, shared out over the cores, over the time from the first
partition's start to the last one's end with as many workers as cores. What comes before (Ray, Prefect, listing)
and after (the index) is told beside it. Measure on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import RESULTS, machine, write_result
from flows.params import load_params
from flows.prepare import run_prepare
from flows.workfolder import WorkFolder
from tasks.toy.params import render


def prepared(songs: Path, work: Path, partition_size: int, workers: int) -> dict[str, float]:
    """Seconds of the stages, from the first partition's start to the last one's end, and around them."""
    settings = [f"songs.path={songs}", f"engine.partition_size={partition_size}"]
    params = load_params(None, [*settings, f"engine.num_workers={workers}"])
    start = time.time()
    run_prepare(params, WorkFolder(work))
    whole_s = time.time() - start
    receipts = [
        (path.stat().st_mtime, json.loads(path.read_text())) for path in work.glob("receipts/*/*/*.json")
    ]
    first = min(end - receipt["seconds"] for end, receipt in receipts)
    wall_s = max(end for end, _ in receipts) - first
    return {
        "stage_s": sum(receipt["seconds"] for _, receipt in receipts),
        "waiting_s": sum(receipt["waiting_s"] for _, receipt in receipts),
        "wall_s": wall_s,
        "around_s": whole_s - wall_s,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=640)
    parser.add_argument("--partition-size", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        toy = load_params().toy.model_copy(update={"out": f"{folder}/toy", "num_songs": options.songs})
        render(toy)
        runs: dict[int, dict[str, Any]] = {
            workers: prepared(
                Path(folder, "toy/songs"), Path(folder, f"w{workers}"), options.partition_size, workers
            )
            for workers in (1, options.workers)
        }
    alone, together = runs[1], runs[options.workers]
    write_result(
        "efficiency",
        {
            "machine": machine("ray"),
            "songs": options.songs,
            "partition_size": options.partition_size,
            "workers": options.workers,
            "efficiency": round(alone["stage_s"] / options.workers / together["wall_s"], 3),
            "one_worker": {name: round(value, 2) for name, value in alone.items()},
            "all_workers": {name: round(value, 2) for name, value in together.items()},
        },
        options.out,
    )


if __name__ == "__main__":
    main()
