"""Kills at random and at the worst moments, over a small life cycle (prepare, train, a DPO round), until it ends.

    python bench/chaos.py --out bench/results/chaos.json          # at least 60 kills; some 15 minutes on two idle cores
    python bench/chaos.py --episodes 1 --only ingest --random 0     # a short one: two kills over one stage

An undisturbed run is the reference. Each episode starts with an empty work folder and a plan of kills: for each stage
two inside a commit (the receipt, the shard or the column file, before or after its rename), two inside each kind of
checkpoint write, and some of the driver or of a Ray worker after a random time. The same command is started again
after each kill of the driver, until it ends by itself; then every file must be that of the reference.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
POINTS = HOUSE / "bench" / "chaos_points"
PREPARE = ("ingest", "separate", "transcribe", "align", "phonemize", "style")
PREPARE += ("encode", "sketch", "check", "group", "filter", "pack")
ROUND = ("generate", "score")
RUNS = ("pretrain", "sft", "train", "control")  # the last two are a round's
SMALL = [
    "jam.dim=32",
    "jam.depth=2",
    "jam.text_dim=32",
    "jam.text_layers=1",
    "engine.partition_size=4",
    "engine.num_workers=2",
    "pretrain.steps=8",
    "pretrain.log_every_steps=2",
    "pretrain.checkpoint_every_steps=2",
    "pretrain.validate_every_steps=4",
    "pretrain.num_workers=1",
    "pretrain.batch_size=2",
    "pretrain.warmup_steps=1",
    "sft.steps=4",
    "sft.log_every_steps=2",
    "sft.checkpoint_every_steps=2",
    "sft.validate_every_steps=4",
    "sft.num_workers=1",
    "sft.warmup_steps=1",
    "dpo.steps=4",
    "dpo.log_every_steps=2",
    "dpo.checkpoint_every_steps=2",
    "dpo.validate_every_steps=2",
    "dpo.num_workers=1",
    "dpo.warmup_steps=1",
    "round.num_prompts=2",
    "round.num_held_out=1",
    "round.takes=2",
    "pair.min_margin=0.0",
    "gate.num_prompts=1",
    "gate.takes=1",
    "gate.num_resamples=100",
    "sampler.num_points=3",
    "group.benchmark_share=0.0",
    "group.validation_share=0.5",
    "filter.min_agreement=null",
    "filter.min_coverage=null",
    "filter.min_alignment=null",
    "filter.max_unwritten_share=null",
]
COMMITS = ("receipt", "columns")
GIVE_UP_S = 400.0
RESTARTS = 60


@dataclass(frozen=True)
class Blow:
    """A kill where a rename onto a path that matches begins (`before`) or has happened (`after`)."""

    path: str
    moment: str
    whom: str  # self: the process that renames; driver: it and the driver


@dataclass
class Tally:
    """What an episode did and found."""

    seed: int
    blows: int = 0  # at named moments
    random_kills: int = 0
    starts: int = 0
    orphans: int = 0  # processes of a killed driver that were alive 90 s later
    temporaries: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    seconds: float = 0.0


def drive(work: Path, songs: Path, only: str | None) -> None:
    """The life cycle in this process, without a Prefect server."""
    os.environ["CHAOS_DRIVER"] = str(os.getpid())
    from flows.dpo import run_dpo
    from flows.params import load_params
    from flows.prepare import run_prepare
    from flows.train import run_train
    from flows.workfolder import WorkFolder

    params = load_params(None, [*SMALL, f"songs.path={songs}"])
    folder = WorkFolder(work)
    run_prepare(params, folder, only={only} if only else None)
    if only is None:
        run_train(params, folder)
        run_dpo(params, folder)


def plan_of(rng: random.Random, stages: list[str]) -> list[Blow]:
    """Two kills inside a commit of each stage, one of the worker and one of the driver, and so for checkpoints."""
    plan = []
    for stage in stages:
        if stage in (*PREPARE, *ROUND):
            chain = "prepare" if stage in PREPARE else ".+"
            kinds = [f"receipts/{chain}/{stage}/part-", f"table/{stage}/part-"]
            if stage == "pack":
                kinds.append("shards/part-")
        else:
            kinds = [
                f"(checkpoints|rounds/1)/{stage}/[^/]+/steps/[.]tmp-[^/]+/(config.json|model.safetensors)"
            ]
            kinds += [
                f"(checkpoints|rounds/1)/{stage}/[^/]+/steps/step-",
                f"(checkpoints|rounds/1)/{stage}/[^/]+/model.safetensors",
            ]
        for number, whom in enumerate(("self", "driver")):
            partition = f"0000{number}" if stage in PREPARE else ""
            plan.append(Blow(rng.choice(kinds) + partition, rng.choice(("before", "after")), whom))
    return plan


def episode(out: Path, songs: Path, blows: list[Blow], num_random: int, seed: int, only: str | None) -> Tally:
    """Run, kill and start again until the life cycle ends by itself."""
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
        fate = rng.choice(("driver", "worker")) if left else None
        wait_s = rng.uniform(2.0, 25.0) if fate else GIVE_UP_S
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            if fate is None:
                raise SystemExit(f"episode {seed} hangs; see {out}/log.txt") from None
            workers = [pid for pid in marked(mark) if b"ray::" in command_of(pid)]
            victim = rng.choice(workers) if fate == "worker" and workers else process.pid
            end(victim)
            tally.random_kills += 1
            left -= 1
            if victim != process.pid:
                process.wait(GIVE_UP_S)
        tally.orphans += ended(mark)
        if process.returncode == 0:
            break
        if process.returncode not in (-signal.SIGKILL, 1):
            raise SystemExit(f"episode {seed}: exit code {process.returncode}; see {out}/log.txt")
    tally.blows = len(list(out.glob("plan.json.*")))
    tally.seconds = round(time.monotonic() - started, 1)
    return tally


def start(out: Path, songs: Path, only: str | None, plan: Path | None, mark: str) -> subprocess.Popen[bytes]:
    """The life cycle in a process of its own, which all its children can be told by."""
    environment = {**os.environ, "CHAOS_MARK": mark, "RAY_USAGE_STATS_ENABLED": "0", "WDS_SECURE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(POINTS), str(HOUSE)])
    if plan is not None:
        environment["CHAOS_PLAN"] = str(plan)
    command = [sys.executable, __file__, "--drive", str(out / "W"), "--songs", str(songs)]
    with (out / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [*command, "--only", only] if only else command, env=environment, cwd=out, stdout=log, stderr=log
        )


def marked(mark: str) -> list[int]:
    """Processes that carry this mark in their environment."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and f"CHAOS_MARK={mark}".encode() in read(place / "environ").split(b"\0"):
            found.append(int(place.name))
    return found


def command_of(pid: int) -> bytes:
    return read(Path("/proc") / str(pid) / "cmdline")


def read(path: Path) -> bytes:
    """A file of /proc; empty when the process is gone or another's."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def ended(mark: str, within_s: float = 90.0) -> int:
    """Wait until all processes of a run are gone; returns how many had to be ended here."""
    limit = time.monotonic() + within_s
    while (left := [pid for pid in marked(mark) if pid != os.getpid()]) and time.monotonic() < limit:
        time.sleep(0.2)
    for pid in left:
        print(f"left behind: {command_of(pid)[:200]!r}", flush=True)
        end(pid)
    return len(left)


def contents(work: Path) -> dict[str, str]:
    """Every file that counts and its hash; clocks in training logs are left out."""
    from tasks.engine.sealed import kept_files, place_in

    return {place_in(path, work): _hash(path) for path in kept_files(work)}


def _hash(path: Path) -> str:
    data = path.read_bytes()
    if path.name in ("log.jsonl", "state.json"):
        data = re.sub(rb'"seconds": [0-9.]+', b"", data)
    return hashlib.sha256(data).hexdigest()


def judge(work: Path, reference: dict[str, str], tally: Tally) -> None:
    """Hold what an episode left against the reference, and its shards against its table."""
    found = contents(work)
    differing = [name for name in found.keys() | reference.keys() if found.get(name) != reference.get(name)]
    tally.differing = len(differing)
    tally.temporaries = sum(1 for path in work.rglob(".tmp-*")) + (work / "lease.json").exists()
    for name in sorted(differing)[:10]:
        print(f"  differs: {name}")
    if not (work / "shards").is_dir():
        return
    packed = Counter(packed_songs(work))
    listed = {json.loads(line)["id"] for line in (work / "shards/ids.jsonl").read_text().splitlines()}
    tally.lost, tally.doubled = len(listed - packed.keys()), sum(count > 1 for count in packed.values())


def packed_songs(work: Path) -> Iterator[str]:
    from jam_model.shards import locate

    for shard in sorted((work / "shards").glob("*.tar")):
        yield from (place.song_id for place in locate(shard, 0))


def main() -> None:
    """Run the episodes and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drive", type=Path)
    parser.add_argument("--songs", type=Path)
    parser.add_argument("--only", choices=PREPARE, help="this stage alone")
    parser.add_argument("--episodes", type=int, default=3)
    parser.add_argument("--random", type=int, default=4, help="kills after a random time in each episode")
    parser.add_argument("--stages", default=",".join((*PREPARE, *ROUND, *RUNS)))
    parser.add_argument("--num-songs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.drive:
        drive(asked.drive, asked.songs, asked.only)
        return
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        record = measure(Path(folder), asked)
    if asked.out:
        asked.out.write_text(json.dumps(record, indent=1) + "\n")
    bad = record["lost"] + record["doubled"] + record["differing"] + record["temporaries"] + record["orphans"]
    sys.exit(1 if bad else 0)


def measure(room: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The reference, the episodes and their sums."""
    from flows.params import load_params
    from tasks.toy.params import render

    toy = load_params(None, []).toy
    render(toy.model_copy(update={"out": str(room / "toy"), "num_songs": asked.num_songs, "seed": 5}))
    songs = room / "toy" / "songs"
    calm = room / "calm"
    calm.mkdir()
    started = time.monotonic()
    if start(calm, songs, asked.only, None, "calm").wait(GIVE_UP_S):
        raise SystemExit((calm / "log.txt").read_text()[-2000:])
    reference = contents(calm / "W")
    print(f"undisturbed: {time.monotonic() - started:.0f} s, {len(reference)} files", flush=True)
    tallies = []
    for number in range(asked.episodes):
        seed = asked.seed + number
        out = room / f"episode-{number}"
        blows = plan_of(random.Random(seed), [asked.only] if asked.only else asked.stages.split(","))
        tally = episode(out, songs, blows, asked.random, seed, asked.only)
        judge(out / "W", reference, tally)
        tallies.append(tally)
        print(tally, flush=True)
        shutil.rmtree(out)
    sums = Counter[str]()
    for tally in tallies:
        sums.update({name: value for name, value in asdict(tally).items() if name != "seed"})
    kills = sums["blows"] + sums["random_kills"]
    print(f"{kills} kills: {sums['lost']} lost, {sums['doubled']} doubled, {sums['differing']} differing")
    return {
        "kills": kills,
        **sums,
        "stages": asked.stages.split(","),
        "episodes": [asdict(t) for t in tallies],
    }


if __name__ == "__main__":
    main()
