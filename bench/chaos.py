"""Kills at random and at the worst moments, over a small life cycle (prepare, train, a DPO round), until it ends.

    python bench/chaos.py --out bench/results/chaos.json            # some 130 kills
    python bench/chaos.py --plan                                    # where they would fall; kills nothing
    python bench/chaos.py --episodes 1 --only ingest --random 0     # a short one: two kills over one stage

An undisturbed run is the reference. Each episode starts with an empty work folder and a plan of kills
(`chaos_plan`): two for each stage and each training run, and some of the driver, of a Ray worker or of Ray's node
after a random time. The same command is started again after each end of the driver, until it ends by itself; then
every file must be that of the reference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chaos_life import Made, made_in, start
from chaos_plan import CHECKPOINT, PREPARE, STAGES, Blow, counted, plan_of
from chaos_processes import command_of, kill, marked, orphans

CALM_LIMIT_S = 3600.0
HANGS_S = 300.0  # a start that lasts longer than this,
HANGS_TIMES = 10.0  # and so many times the undisturbed run
RESTARTS = 60
FATES = {"driver": b"", "worker": b"ray::", "node": b"/raylet/raylet\0"}
"""Whom a random kill ends, and how its command line is told; the driver where there is none yet."""


@dataclass
class Tally:
    """What an episode did and found."""

    seed: int
    fallen: list[Blow] = field(default_factory=list)  # kills at named moments
    missed: list[Blow] = field(default_factory=list)  # planned, and their moment never came
    random_kills: int = 0
    starts: int = 0
    orphans: int = 0  # processes of a killed driver that had to be ended
    temporaries: int = 0  # files left half-written
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    seconds: float = 0.0


def episode(
    out: Path,
    songs: Path,
    blows: list[Blow],
    num_random: int,
    seed: int,
    only: str | None,
    calm_s: float,
) -> Tally:
    """Run, kill and start again until the life cycle ends by itself; undisturbed, it takes `calm_s`."""
    hangs_s = max(HANGS_S, HANGS_TIMES * calm_s)
    rng, tally, started = random.Random(seed), Tally(seed), time.monotonic()
    plan = out / "plan.json"
    out.mkdir(parents=True)
    plan.write_text(json.dumps([asdict(blow) for blow in blows]))
    left = num_random
    while True:
        tally.starts += 1
        if tally.starts > RESTARTS:
            raise SystemExit(f"episode {seed} did not end after {RESTARTS} starts; see {out}")
        mark = f"{seed}-{tally.starts}-{os.getpid()}"
        process = start(out, songs, only, plan, mark)
        fate = rng.choice(tuple(FATES)) if left else None
        wait_s = rng.uniform(0.05, 0.7) * calm_s if fate else hangs_s
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            if fate is None:
                raise SystemExit(f"episode {seed} hangs; see {out}/log.txt") from None
            found = [pid for pid in marked(mark) if (told := FATES[fate]) and told in command_of(pid)]
            victim = rng.choice(found) if found else process.pid
            kill(victim)
            tally.random_kills += 1
            left -= 1
            process.wait(hangs_s)
        tally.orphans += orphans(mark)
        if process.returncode == 0:
            break
        if process.returncode not in (-signal.SIGKILL, 1):
            raise SystemExit(f"episode {seed}: exit code {process.returncode}; see {out}/log.txt")
    for number, blow in enumerate(blows):
        (tally.fallen if Path(f"{plan}.{number}").exists() else tally.missed).append(blow)
    tally.seconds = round(time.monotonic() - started, 1)
    return tally


def judge(work: Path, reference: Made, tally: Tally) -> None:
    """Hold what an episode left against the reference."""
    made = made_in(work)
    names = made.files.keys() | reference.files.keys()
    differing = sorted(name for name in names if made.files.get(name) != reference.files.get(name))
    tally.differing = len(differing)
    tally.temporaries = sum(1 for path in work.rglob(".tmp-*")) + (work / "lease.json").exists()
    for name in differing[:10]:
        print(f"  differs: {name}")
    tally.lost = (reference.packed - made.packed).total()
    tally.doubled = (made.packed - reference.packed).total()


def main() -> None:
    """Run the episodes and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plan", action="store_true", help="count the kills that are planned, and end")
    parser.add_argument("--only", choices=PREPARE, help="this stage alone")
    parser.add_argument("--episodes", type=int, default=3)
    parser.add_argument("--random", type=int, default=4, help="kills after a random time in each episode")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--num-songs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    stages = [asked.only] if asked.only else asked.stages.split(",")
    plans = {seed: plan_of(seed, stages) for seed in range(asked.seed, asked.seed + asked.episodes)}
    if asked.plan:
        planned = [blow for blows in plans.values() for blow in blows]
        print(json.dumps(kills_in(planned, asked.random * asked.episodes), indent=1))
        return
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        record = measure(Path(folder), plans, asked)
    if asked.out:
        asked.out.write_text(json.dumps(record, indent=1) + "\n")
    bad = record["lost"] + record["doubled"] + record["differing"] + record["temporaries"] + record["orphans"]
    sys.exit(1 if bad else 0)


def kills_in(blows: list[Blow], num_random: int) -> dict[str, Any]:
    """How many kills, and where."""
    return {
        "kills": len(blows) + num_random,
        "random_kills": num_random,
        "checkpoint_kills": sum(blow.kind == CHECKPOINT for blow in blows),
        "whom": dict(sorted(Counter(blow.whom for blow in blows).items())),
        "stages": counted(blows),
    }


def measure(room: Path, plans: dict[int, list[Blow]], asked: argparse.Namespace) -> dict[str, Any]:
    """The reference, the episodes and their sums."""
    from flows.settings.params import load_params
    from tasks.toy.params import render

    toy = load_params(None, []).toy
    render(toy.model_copy(update={"out": str(room / "toy"), "num_songs": asked.num_songs, "seed": 5}))
    songs = room / "toy" / "songs"
    calm = room / "calm"
    calm.mkdir()
    started = time.monotonic()
    if start(calm, songs, asked.only, None, "calm").wait(CALM_LIMIT_S):
        raise SystemExit((calm / "log.txt").read_text()[-2000:])
    calm_s = time.monotonic() - started
    reference = made_in(calm / "W")
    print(f"undisturbed: {calm_s:.0f} s, {len(reference.files)} files", flush=True)
    tallies = []
    for number, (seed, blows) in enumerate(plans.items()):
        out = room / f"episode-{number}"
        tally = episode(out, songs, blows, asked.random, seed, asked.only, calm_s)
        judge(out / "W", reference, tally)
        tallies.append(tally)
        print(told(tally), flush=True)
        shutil.rmtree(out)
    sums = Counter[str]()
    for tally in tallies:
        sums.update(_figures(tally))
    kills = kills_in([blow for tally in tallies for blow in tally.fallen], sums["random_kills"])
    missed = counted(blow for tally in tallies for blow in tally.missed)
    found = ", ".join(f"{sums[name]} {name}" for name in ("lost", "doubled", "differing"))
    print(f"{kills['kills']} kills: {found}")
    return {**kills, **sums, "missed": missed, "episodes": [told(tally) for tally in tallies]}


def told(tally: Tally) -> dict[str, Any]:
    """An episode in numbers."""
    return {"seed": tally.seed, "kills": counted(tally.fallen), **_figures(tally)}


def _figures(tally: Tally) -> dict[str, Any]:
    return {name: value for name, value in vars(tally).items() if name not in ("seed", "fallen", "missed")}


if __name__ == "__main__":
    main()
