"""Where kills fall: inside the commits of every stage and the checkpoints of every training run.

A kill at a named moment is a `Blow`; bench/chaos_points strikes it in the program under test.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PREPARE = (
    *("ingest", "separate", "transcribe", "align", "phonemize", "style"),
    *("encode", "dedup_features", "check", "group", "filter", "pack"),
)
TAKES = tuple(f"round-{stage}" for stage in ("generate", "score", "reward", "separate", "transcribe"))
RUNS = ("pretrain", "sft", "train", "control")  # the last two are a round's
STAGES = (*PREPARE, *TAKES, *RUNS)
FILES = {"receipt": "{receipts}/part-", "columns": "{table}/part-"}
RUN = "(checkpoints|rounds/1)/{stage}/[^/]+"
RUN_FILES = {
    "checkpoint": f"{RUN}/steps/([.]tmp-[^/]+/(config.json|model.safetensors)|step-)",
    "result": f"{RUN}/(best/)?model.safetensors",
}
CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class Blow:
    """A kill where a rename onto a path that matches begins (`before`) or has happened (`after`)."""

    stage: str
    kind: str  # of the file: receipt, columns, shard; checkpoint, result
    path: str
    moment: str
    whom: str  # self: the process that renames; driver: it and the driver


def plan_of(seed: int, stages: Sequence[str]) -> list[Blow]:
    """Two kills inside the commits of each stage, in different partitions, and two in the files of each training run.

    The first ends a worker; the second, in every other plan, its driver with it. One of a run's two is in a checkpoint.
    """
    rng = random.Random(seed)
    blows = []
    for place, stage in enumerate(stages):
        kinds = rng.sample(_kinds(stage), 2) if stage in RUNS else rng.choices(_kinds(stage), k=2)
        for number, kind in enumerate(kinds):
            path = _pattern(stage, kind) + (f"0000{number}" if stage in PREPARE else "")
            whom = "driver" if number and (place + seed) % 2 == 0 else "self"
            blows.append(Blow(stage, kind, path, rng.choice(("before", "after")), whom))
    return blows


def counted(blows: Iterable[Blow]) -> dict[str, dict[str, int]]:
    """Stage -> kind of file -> kills in its commit, in the order in which stages run."""
    counts = Counter((blow.stage, blow.kind) for blow in blows)
    found: dict[str, dict[str, int]] = {}
    for stage, kind in sorted(counts, key=lambda key: (STAGES.index(key[0]), key[1])):
        found.setdefault(stage, {})[kind] = counts[stage, kind]
    return found


def _kinds(stage: str) -> list[str]:
    if stage in RUNS:
        return list(RUN_FILES)
    return [*FILES, "shard"] if stage == "pack" else list(FILES)


def _pattern(stage: str, kind: str) -> str:
    """What paths of this kind look like; a partition's number follows."""
    if stage in RUNS:
        return RUN_FILES[kind].format(stage=stage)
    if kind == "shard":
        return "shards/part-"
    name = stage.removeprefix("round-")
    if stage in PREPARE:
        return FILES[kind].format(receipts=f"receipts/prepare/{name}", table=f"table/{name}")
    return FILES[kind].format(receipts=f"receipts/rounds-1/{name}", table=f"candidates/{name}")
