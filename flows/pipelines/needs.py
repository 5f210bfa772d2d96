"""How many songs each flow needs on each side of the split, and which setting asks for them: too few are told, found, kept or packed, before anything heavy begins.

Before `prepare` there is only the number of songs that were found, which says how many there can be at most; after it
the kept songs are counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.results.plural import counted
from flows.settings.params import Params
from jam_model.shard_index import IDS_NAME, INDEX_NAME, id_rows
from tasks.dedup.near_duplicates import GroupParams
from tasks.dedup.sides import BENCHMARK, TRAIN, VALIDATION
from tasks.engine.pipeline import Pipeline
from tasks.trainer.params import NONE

SMALL = "params/small.yaml"
HINT = f"give more songs or ask for fewer; `--params {SMALL}` asks for six in all"
AFTER_PREPARE = ("train", "dpo", "benchmark")
COLUMNS = ("lyrics", "split")
"""What must be known of the rows that `too_few_kept` counts."""


@dataclass(frozen=True)
class Need:
    """So many songs of a side of the split are asked for by a setting."""

    setting: str
    songs: int
    side: str

    @property
    def asked(self) -> str:
        """``12 validation songs``."""
        return counted(self.songs, f"{self.side} song") + (" with lyrics" if self.side == BENCHMARK else "")


def needs_of(params: Params, *flows: str) -> list[Need]:
    """What these flows (`train`, `dpo`, `benchmark`) ask for, in order."""
    best = next((name for name in ("pretrain", "sft") if getattr(params, name).best_by != NONE), None)
    asked = {
        "train": [Need("pretrain", 1, TRAIN), *([Need(f"{best}.best_by", 1, VALIDATION)] if best else [])],
        "dpo": [
            Need("round.num_prompts", params.round.num_prompts, TRAIN),
            Need("round.num_held_out", params.round.num_held_out, VALIDATION),
            Need("gate.num_prompts", params.gate.num_prompts, VALIDATION),
        ],
        "benchmark": [Need("benchmark.num_songs", params.benchmark.num_songs, BENCHMARK)],
    }
    return [need for flow in flows for need in asked[flow]]


def too_few_kept(params: Params, rows: Iterable[Mapping[str, Any]], *flows: str) -> str:
    """Which needs the kept songs of a prepared table (COLUMNS) leave unmet, as one line; empty where none.

    A song without lyrics is no benchmark song: it cannot be judged by words that nobody wrote.
    """
    kept = Counter(
        row["split"]
        for row in rows
        if row["drop_reason"] is None and (row["split"] != BENCHMARK or row["lyrics"] is not None)
    )
    return _too_few(needs_of(params, *flows), kept)


def too_few_packed(params: Params, shards: Path) -> str:
    """The same of `train` and the songs of a folder of shards; one without an id list says nothing of them.

    Raises:
        ValueError: there are no shards.
    """
    if not (shards / INDEX_NAME).is_file():
        raise ValueError(
            f"train: no shards in {shards}; run `jam prepare --songs DIR --work {shards.parent}` first"
        )
    if not (shards / IDS_NAME).is_file():
        return ""
    packed = Counter(row.get("split", TRAIN) for row in id_rows(shards / IDS_NAME))
    return _too_few(needs_of(params, "train"), packed)


def too_few_found(params: Params, found: int, *flows: str) -> str:
    """Which needs so many songs can hardly meet before any was prepared, with the number that could; as one line."""
    least = [(least_songs(params.group, need), need) for need in needs_of(params, *flows)]
    missed = sorted((one for one in least if one[0] > found), key=lambda one: -one[0])
    if not missed:
        return ""
    listed = ", ".join(
        f"{'no number' if math.isinf(count) else f'{count:.0f}'} by {need.setting} ({need.asked})"
        for count, need in missed
    )
    return (
        f"songs: {found} found; at least {listed} are needed, where group.validation_share is "
        f"{params.group.validation_share:g} and group.benchmark_share {params.group.benchmark_share:g}; {HINT}"
    )


def too_few(params: Params, pipeline: Pipeline, *flows: str) -> str:
    """`too_few_kept` where the table stands prepared, else `too_few_found`."""
    if any(pipeline.missing(stage) for stage in pipeline.stages):
        return too_few_found(params, sum(len(part.sources) for part in pipeline.partitions.values()), *flows)
    return too_few_kept(params, pipeline.rows(COLUMNS), *flows)


def check_enough(line: str) -> None:
    """Refuses what one of the above has found.

    Raises:
        ValueError: the line, where it is not empty.
    """
    if line:
        raise ValueError(line)


def least_songs(group: GroupParams, need: Need) -> float:
    """How many songs must be found so that a side can be expected to get what is asked of it; infinite where it gets
    none. What the near duplicates of a song, its artist and drops change is not known beforehand.
    """
    shares = {VALIDATION: group.validation_share, BENCHMARK: group.benchmark_share}
    least = {VALIDATION: group.min_validation_songs, BENCHMARK: group.min_benchmark_songs}
    if need.side == TRAIN:
        rest = 1 - sum(shares.values())
        return max(_songs_at(rest, need.songs), need.songs + sum(least.values()))
    if need.songs <= least[need.side]:
        return sum(least.values()) + 1
    return _songs_at(shares[need.side], need.songs)


def _songs_at(share: float, songs: int) -> float:
    """Of how many songs this share is so many."""
    return math.ceil(round(songs / share, 6)) if share else math.inf


def _too_few(needs: Sequence[Need], kept: Mapping[str, int]) -> str:
    missed = [
        f"{need.setting} asks for {need.asked}, {kept.get(need.side, 0)} kept"
        for need in needs
        if need.songs > kept.get(need.side, 0)
    ]
    return f"songs: too few were kept: {'; '.join(missed)}; {HINT}" if missed else ""
