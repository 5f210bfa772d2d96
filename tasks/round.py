"""A DPO round as data: prompts, their takes, and the pairs that the rule makes of them.

Takes are rows of a song table of their own, so any of them can be made again from its facts. Pairs are
written as one small Parquet file, a row a prompt: a pair, or the reason why there is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jam_model.shards import Sample, Shards
from tasks.audio import array_of
from tasks.engine.columns import COLUMNS
from tasks.engine.files import write_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Section
from tasks.fanout import Prompt, System
from tasks.pair import CANDIDATE_COLUMNS, PairParams, candidate_of, pair_rows
from tasks.prefer import Pair

TAKE_COLUMNS = ("seed", "checkpoint", "scores", *CANDIDATE_COLUMNS)
PAIR_COLUMNS = ("winner", "loser", "margin", "refusal")


class RoundParams(Section):
    """Prompts of a round: `num_prompts` training songs to learn from, `num_held_out` validation songs to check."""

    num_prompts: int
    num_held_out: int
    takes: int
    seed: int


@dataclass(frozen=True)
class RoundPairs:
    """What the rule made of a round's takes: one row a prompt, in prompt order."""

    rows: Sequence[Song]

    @property
    def refusals(self) -> dict[str, int]:
        """Prompts without a pair, by reason."""
        return dict(sorted(Counter(row["refusal"] for row in self.rows if row["refusal"]).items()))

    @property
    def num_pairs(self) -> int:
        """Prompts with a pair; pairs and refusals add up to the prompts."""
        return sum(row["winner"] is not None for row in self.rows)

    def write(self, path: Path) -> None:
        """One Parquet file, a row a prompt."""
        arrays = {"song_id": pa.array([row.song_id for row in self.rows], pa.string())}
        for name in PAIR_COLUMNS:
            arrays[name] = pa.array([row[name] for row in self.rows], COLUMNS[name].type)
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(arrays), sink)
        write_bytes(path, sink.getvalue().to_pybytes())


def policy_system(name: str, title: str, weights: str, sampler: Section, prompts: Sequence[Prompt]) -> System:
    """The songs of a checkpoint, sung with these sampler settings."""
    recipe = {
        "kind": "generate",
        "weights": weights,
        "sampler": sampler.model_dump(mode="json"),
        "padding_bias": True,
    }
    return System(name, title, recipe, prompts, checkpoint=weights)


def choose_pairs(
    prompts: Sequence[Prompt], takes: Iterable[Mapping[str, Any]], rule: PairParams
) -> RoundPairs:
    """Fold the takes by parent into one row a prompt."""
    parents = [prompt.song_id for prompt in prompts]
    wanted = set(parents)
    candidates = [candidate_of(take) for take in takes if take["parent"] in wanted]
    return RoundPairs(pair_rows(parents, candidates, rule))


def training_pairs(pairs: RoundPairs, latents: Mapping[str, bytes], shards: Path, split: str) -> list[Pair]:
    """The pairs as tensors: both takes, and the prompt's own sample out of the shards.

    Args:
        latents: `latent_sung` of the takes, by song id.

    Raises:
        ValueError: a prompt is not in the shards.
    """
    source = Shards(shards, split)
    number_of = {place.song_id: number for number, place in enumerate(source.places)}
    found = []
    for row in pairs.rows:
        if row["winner"] is None:
            continue
        if row.song_id not in number_of:
            raise ValueError(f"prompt {row.song_id!r} is not in the {split} split of {shards}; pack again")
        prompt: Sample = source[number_of[row.song_id]]
        found.append(Pair(prompt, array_of(latents[row["winner"]]), array_of(latents[row["loser"]])))
    return found
