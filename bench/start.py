"""Seconds from Enter to the end of the commands that people meet every day, of two source trees in turns.

python bench/start.py --before OLD_TREE [--after TREE] [--turns 7] [--songs 12]

OLD_TREE is a worktree of the commit to compare with, and TREE this one unless given; both run with the Python that
runs this. A small life cycle on toy songs is made once and copied for each side, unmeasured, so that every command
finds what it reads and the last two find nothing to do. Told are the medians of wall and processor seconds, the ratio of each
(after over before: 0.25 is a quarter) with its range over the turns, and how busy the machine was.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import RESULTS, machine, options_parser, write_result

HERE = Path(__file__).resolve().parents[1]
SETTINGS = """
engine: {partition_size: 8}
group: {validation_share: 0.2, benchmark_share: 0.2}
fit: {num_workers: 1}
pretrain: {steps: 2, log_every_steps: 1, checkpoint_every_steps: 2, validate_every_steps: 2}
sft: {steps: 2, log_every_steps: 1, checkpoint_every_steps: 2, validate_every_steps: 0, best_by: none}
dpo: {steps: 2, log_every_steps: 1, checkpoint_every_steps: 2, validate_every_steps: 0}
sampler: {num_steps: 2}
round: {rounds: 1, num_prompts: 2, num_held_out: 1, candidates: 2}
pair: {min_margin: 0.0}
gate: {num_prompts: 2, candidates: 1}
benchmark: {num_songs: 2, num_resamples: 100}
"""
READ = "read"
NOTHING_TO_DO = "nothing to do"


class Spent(NamedTuple):
    """What a command took, its children included."""

    wall_s: float
    cpu_s: float


def commands(songs: Path, work: Path, params: Path) -> dict[str, tuple[str, list[str]]]:
    """The commands measured, each with what it is an example of."""
    settings = ["--work", str(work), "--params", str(params)]
    song = json.loads((work / "shards" / "ids.jsonl").read_text().splitlines()[0])["id"]
    read = {
        "help": ["--help"],
        "table": ["table", *settings],
        "report": ["report", "--work", str(work)],
        "why": ["why", "align", *settings],
        "look": ["look", song, "--songs", str(songs), *settings],
        "pairs": ["pairs", "1", *settings],
        "plan": ["run", "--plan", "--songs", str(songs), *settings],
        "verify": ["verify", "--work", str(work)],
        "doctor": ["doctor", *settings],
    }
    standing = {
        "prepare": ["prepare", "--songs", str(songs), *settings],
        "run": ["run", "--songs", str(songs), *settings],
    }
    return {name: (READ, given) for name, given in read.items()} | {
        name: (NOTHING_TO_DO, given) for name, given in standing.items()
    }


def jam(tree: Path, given: Sequence[str], environment: Mapping[str, str]) -> Spent:
    """One command of the code of a tree.

    Raises:
        SystemExit: it failed; its last words are told.
    """
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "flows.commands.main", *given],
        cwd=tree,
        env={**environment, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    after, wall_s = os.times(), time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{tree.name}: jam {' '.join(given)}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    children = ("children_user", "children_system")
    return Spent(wall_s, sum(getattr(after, name) - getattr(before, name) for name in children))


def compared(before: Sequence[Spent], after: Sequence[Spent]) -> dict[str, Any]:
    """Medians of both sides, and the ratio of each turn: its median, least and most."""
    told: dict[str, Any] = {}
    for field in Spent._fields:
        old, new = ([getattr(spent, field) for spent in side] for side in (before, after))
        ratios = sorted(b / a for a, b in zip(old, new, strict=True))
        told[field] = {
            "before": round(statistics.median(old), 3),
            "after": round(statistics.median(new), 3),
            "ratio": round(statistics.median(ratios), 3),
            "ratio_range": [round(ratios[0], 3), round(ratios[-1], 3)],
        }
    return told


def lives(
    trees: Mapping[str, Path], here: Path, num_songs: int, finished: bool, environment: Mapping[str, str]
) -> dict[str, dict[str, tuple[str, list[str]]]]:
    """The commands of each side over a life cycle of its own in `here`, made once by the last of the trees; what stands is used again.

    `finished`: each side writes the report as its own code has it, so that its `jam run` finds nothing to do.
    """
    songs, params, newest = here / "toy" / "songs", here / "params.yaml", [*trees.values()][-1]
    params.write_text(SETTINGS)
    given = ["--songs", str(songs), "--params", str(params)]
    if not (here / "made").is_dir():
        toy = ["toy", "--songs", str(num_songs), "--out", str(here / "toy"), "--params", str(params)]
        jam(newest, toy, environment)
        jam(newest, ["run", *given, "--work", str(here / "being-made")], environment)
        (here / "being-made").rename(here / "made")
    for side, tree in trees.items():
        if not (here / side).is_dir():
            shutil.copytree(here / "made", here / side)
        if finished:
            jam(tree, ["run", *given, "--work", str(here / side)], environment)
    return {side: commands(songs, here / side, params) for side in trees}


def bare_environment(here: Path) -> dict[str, str]:
    """This environment without a server of Prefect's, with a home of its own in `here`, and with bytecode kept, as people have it."""
    without = ("PREFECT_API_URL", "PYTHONDONTWRITEBYTECODE")
    given = {name: value for name, value in os.environ.items() if name not in without}
    return given | {"PREFECT_HOME": str(here / "prefect")}


Turns = dict[str, dict[str, list[Spent]]]
"""What each command took on each side, turn by turn."""


def in_turns(
    trees: Mapping[str, Path],
    given: Mapping[str, Mapping[str, list[str]]],
    turns: int,
    environment: Mapping[str, str],
    before: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Turns, list[float]]]:
    """After every turn what all took so far, and the load average at each; a turn before them warms the disk.

    `before` is called with the name of a side before each of its commands.
    """
    names = list(next(iter(given.values())))
    spent: Turns = {name: {side: [] for side in trees} for name in names}
    loads = []
    for turn in range(turns + 1):
        loads.append(os.getloadavg()[0])
        for name in names:
            for side, tree in trees.items():
                before(side)
                took = jam(tree, given[side][name], environment)
                if turn:
                    spent[name][side].append(took)
        if turn:
            yield spent, loads


def main() -> None:
    """Measure and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--after", type=Path, default=HERE)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--house", type=Path, help="keep the life cycle here; one that stands is used again")
    parser.add_argument("--only", nargs="*", help="these commands alone")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    trees = {"before": options.before.resolve(), "after": options.after.resolve()}
    with tempfile.TemporaryDirectory() as folder:
        here = options.house or Path(folder)
        here.mkdir(parents=True, exist_ok=True)
        environment = bare_environment(here)
        finished = not options.only or "run" in options.only
        sides = lives(trees, here, options.songs, finished, environment)
        asked = {
            side: {
                name: given for name, (_, given) in known.items() if not options.only or name in options.only
            }
            for side, known in sides.items()
        }
        for spent, loads in in_turns(trees, asked, options.turns, environment):
            write_result(
                "start",
                {
                    "machine": machine("ray", "prefect"),
                    "load_average": {
                        "median": round(statistics.median(loads), 2),
                        "most": round(max(loads), 2),
                    },
                    "turns": len(loads) - 1,
                    "songs": options.songs,
                    "commands": {
                        name: {"kind": sides["after"][name][0], **compared(**taken)}
                        for name, taken in spent.items()
                    },
                },
                options.out,
            )


if __name__ == "__main__":
    main()
