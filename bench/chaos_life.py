"""The life cycle that chaos ends again and again: a small one, in a process of its own, and what it made.

python bench/chaos_life.py WORK SONGS [STAGE]
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from chaos_processes import MARK

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
POINTS = HOUSE / "bench" / "chaos_points"
SMALL = [
    "jam.dim=32",
    "jam.depth=2",
    "jam.text_dim=32",
    "jam.text_layers=1",
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
    "round.candidates=2",
    "pair.min_margin=0.0",
    "gate.num_prompts=1",
    "gate.candidates=1",
    "gate.num_resamples=100",
    "sampler.num_steps=2",
    "group.benchmark_share=0.0",
    "group.validation_share=0.5",
    "filter.min_agreement=null",
    "filter.min_coverage=null",
    "filter.min_alignment=null",
    "filter.max_unheard_run=null",
    "filter.max_unwritten_share=null",
]


@dataclass(frozen=True)
class Made:
    """What a run made: the hash of every file that counts, and the songs in the shards."""

    files: dict[str, str]
    packed: Counter[str]


def drive(work: Path, songs: Path, only: str | None) -> None:
    """The life cycle in this process, without a Prefect server."""
    os.environ["CHAOS_DRIVER"] = str(os.getpid())
    from flows.dpo import run_dpo
    from flows.prepare import run_prepare
    from flows.settings.project import Project
    from flows.train import run_train

    project = Project.at(work, None, [*SMALL, f"songs.path={songs}"])
    run_prepare(project, only={only} if only else None)
    if only is None:
        run_train(project)
        run_dpo(project)


def start(out: Path, songs: Path, only: str | None, plan: Path | None, mark: str) -> subprocess.Popen[bytes]:
    """The life cycle in a process of its own, which all its children can be told by."""
    environment = {**os.environ, MARK: mark, "RAY_USAGE_STATS_ENABLED": "0", "WDS_SECURE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(POINTS), str(HOUSE)])
    if plan is not None:
        environment["CHAOS_PLAN"] = str(plan)
    command = [sys.executable, __file__, str(out / "W"), str(songs)]
    with (out / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [*command, only] if only else command, env=environment, cwd=out, stdout=log, stderr=log
        )


def made_in(work: Path) -> Made:
    """What a run made; clocks in training logs are left out."""
    from jam_model.shard_index import locate
    from tasks.upkeep.checksums import kept_files, place_in

    files = {place_in(path, work): _hash(path) for path in kept_files(work)}
    shards = sorted((work / "shards").glob("*.tar"))
    return Made(files, Counter(place.song_id for shard in shards for place in locate(shard, 0)))


def _hash(path: Path) -> str:
    data = path.read_bytes()
    if path.name in ("log.jsonl", "state.json"):
        data = re.sub(rb'"seconds": [0-9.]+', b"", data)
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    given = sys.argv[1:]
    drive(Path(given[0]), Path(given[1]), given[2] if len(given) > 2 else None)
