"""How much of two cores `prepare` uses: the same toy songs by one worker, then by two, in turns.

python bench/efficiency.py [--songs 640] [--partition-size 16] [--workers 2] [--turns 2]

Efficiency is what all partitions compute in one process, shared out over the cores, over the time from the first
partition's start to the last one's end with as many workers as cores. What a partition computes is counted in
seconds of processors over all its threads: one worker opens a song beside the model and so takes part of a second
core, which its seconds by the clock hide. Those are told, too, as is what comes before (Ray, Prefect, listing) and
after (the index). `busy_share` takes both from the same run, so no change of the machine's speed between runs is in it.
Measure on an idle machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import RESULTS, machine, options_parser, write_result
from flows.prepare import run_prepare
from flows.settings.params import load_params
from flows.settings.project import Project, WorkFolder
from tasks.toy.params import render


def prepared(songs: Path, work: Path, partition_size: int, workers: int) -> dict[str, float]:
    """Seconds of the stages, from the first partition's start to the last one's end, and around them."""
    settings = [f"songs.path={songs}", f"engine.partition_size={partition_size}"]
    params = load_params(None, [*settings, f"engine.num_workers={workers}"])
    start = time.time()
    run_prepare(Project(params, WorkFolder(work)))
    whole_s = time.time() - start
    receipts = [
        (path.stat().st_mtime, json.loads(path.read_text())) for path in work.glob("receipts/*/*/*.json")
    ]
    first = min(end - receipt["seconds"] for end, receipt in receipts)
    wall_s = max(end for end, _ in receipts) - first
    spent = {
        name: sum(receipt[name] for _, receipt in receipts) for name in ("cpu_s", "seconds", "waiting_s")
    }
    return {**spent, "wall_s": wall_s, "around_s": whole_s - wall_s}


def summed(turns: Sequence[dict[str, float]]) -> dict[str, float]:
    """The figures of several turns together."""
    return {name: round(sum(turn[name] for turn in turns), 2) for name in turns[0]}


def efficiency(computed: dict[str, float], together: dict[str, float], workers: int) -> float:
    """Share of the cores' time in `together` that what was computed would take: 1.0 where nothing else takes any."""
    return round(computed["cpu_s"] / workers / together["wall_s"], 3)


def main() -> None:
    """Measure and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=640)
    parser.add_argument("--partition-size", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    runs: dict[int, list[dict[str, Any]]] = {1: [], options.workers: []}
    with tempfile.TemporaryDirectory() as folder:
        toy = load_params().toy.model_copy(update={"out": f"{folder}/toy", "num_songs": options.songs})
        render(toy)
        for turn in range(options.turns):
            for workers, turns in runs.items():
                work = Path(folder, f"turn{turn}-workers{workers}")
                turns.append(prepared(Path(folder, "toy/songs"), work, options.partition_size, workers))
    alone, together = (summed(turns) for turns in runs.values())
    write_result(
        "efficiency",
        {
            "machine": machine("ray"),
            "songs": options.songs,
            "partition_size": options.partition_size,
            "workers": options.workers,
            "turns": options.turns,
            "efficiency": efficiency(alone, together, options.workers),
            "efficiency_of_turns": [
                efficiency(*turn, options.workers) for turn in zip(*runs.values(), strict=True)
            ],
            "busy_share": efficiency(together, together, options.workers),
            "speedup_by_the_clock": round(alone["wall_s"] / together["wall_s"], 3),
            "one_worker": alone,
            "all_workers": together,
        },
        options.out,
    )


if __name__ == "__main__":
    main()
