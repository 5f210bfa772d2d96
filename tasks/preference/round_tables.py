"""A round's settings (`RoundParams`), which songs of which split it uses, and its tables: rows of prompts, candidates' scores and settings, pairs, refusals.

Candidates are rows of a song table of their own, so any of them can be made again from its facts. What a person
reads are three small Parquet files beside it: ``prompts``, ``scores`` (a row a candidate) and ``pairs`` (a row a
prompt: a pair, or the reason why there is none).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from eval.metrics.frechet import FrechetReference, merged
from jam_model.shard_index import TRAIN, VALIDATION
from jam_model.shards import Sample
from tasks.audio.read import array_of
from tasks.benchmark.system_metrics import windows_of
from tasks.choices.store import PeoplesPair, RaterCount
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Section
from tasks.preference.pairing import CANDIDATE_COLUMNS, PairParams, candidate_of, pair_rows
from tasks.preference.pairs import Pair
from tasks.prompts.prompts import PROMPT_COLUMNS, PROMPTED_COLUMNS, Prompt, prompts_of
from tasks.shards.open import open_shards
from tasks.stages.generated.generate import Generate
from tasks.stages.generated.reward import Reward
from tasks.stages.group import Group
from tasks.storage.files import write_bytes

PREPARED_COLUMNS = (*PROMPT_COLUMNS, "window_embedding")
ROUND_COLUMNS = ("seed", "checkpoint", "recipe", "duration_s", *CANDIDATE_COLUMNS)
PAIR_COLUMNS = {
    "winner": Column(pa.string(), "song id of the preferred candidate; null with a reason in `refusal`"),
    "loser": Column(pa.string(), "song id of the other candidate"),
    "margin": Column(pa.float64(), "reward of the winner minus the loser's"),
    "refusal": Column(pa.string(), "why this prompt gave no pair; null = it gave one"),
}
BY_PEOPLE = {"by_people": Column(pa.bool_(), "people chose, not the judge; only where `pair.by` asks them")}
_COLUMNS = {
    **PROMPTED_COLUMNS,
    **Generate.writes,
    **Group.writes,
    **Reward.writes,
    **PAIR_COLUMNS,
    **BY_PEOPLE,
}
SAMPLED_WITH = ("style_guidance_scale", "lyrics_guidance_scale", "num_steps")
RATES = ("word_error_rate", "phone_error_rate")
"""What a guard hears of a candidate; where it writes words the second is not told."""
POLICY, CONTROL = "policy", "control"


class RoundParams(Section):
    """`rounds` of preference training. Each generates `candidates` songs for each of `num_prompts` training songs, to
    learn from, and of `num_held_out` validation songs, to check. `reference`: what the policy is held against,
    the ``policy`` the round starts from or the ``first`` model. `control`: the same rounds with beta = 0.
    """

    rounds: int = Field(ge=1)
    num_prompts: int = Field(ge=1)
    num_held_out: int = Field(ge=0)
    candidates: int = Field(ge=1)
    seed: int
    reference: Literal["policy", "first"]
    control: bool


@dataclass(frozen=True)
class RoundPrompts:
    """What a round learns from (training songs), and what it is checked on (validation songs)."""

    learn: Sequence[Prompt]
    check: Sequence[Prompt]

    @property
    def all(self) -> list[Prompt]:
        """Both."""
        return [*self.learn, *self.check]

    def write(self, path: Path) -> None:
        """One Parquet file, a row a prompt."""
        rows = [
            {
                "song_id": prompt.song_id,
                "split": split,
                "title": prompt.title,
                "duration_s": prompt.duration_s,
            }
            for split, prompts in ((TRAIN, self.learn), (VALIDATION, self.check))
            for prompt in prompts
        ]
        write_rows(path, rows, _types(("split", "title", "duration_s")))


@dataclass(frozen=True)
class RoundPairs:
    """What the rule made of the candidates of one split: one row a prompt, in prompt order. `raters`: who chose among the round's
    candidates, where `pair.by` asks people.
    """

    rows: Sequence[Song]
    split: str
    raters: Mapping[str, RaterCount] = field(default_factory=dict)

    @property
    def refusals(self) -> dict[str, int]:
        """Prompts without a pair, by reason."""
        return dict(sorted(Counter(row["refusal"] for row in self.rows if row["refusal"]).items()))

    @property
    def num_pairs(self) -> int:
        """Prompts with a pair; pairs and refusals add up to the prompts."""
        return sum(row["winner"] is not None for row in self.rows)

    @property
    def num_by_people(self) -> int:
        """Pairs that people chose."""
        return sum(row["winner"] is not None and bool(row.columns.get("by_people")) for row in self.rows)


@dataclass(frozen=True)
class GeneratedPairs:
    """What a model's own candidates gave to learn from and to check on, and the same as tensors."""

    learn: RoundPairs
    check: RoundPairs
    tensors: tuple[list[Pair], list[Pair]]


@dataclass(frozen=True)
class RoundSongs:
    """The prepared songs that rounds use. Both gate and held-out pairs are of validation songs, in one fair order."""

    training: Sequence[Prompt]
    held_out: Sequence[Prompt]
    gate: Sequence[Prompt]
    reference: FrechetReference

    def of_round(self, number: int, count: int) -> RoundPrompts:
        """The prompts of a round."""
        return RoundPrompts(round_prompts(self.training, number, count), self.held_out)


def round_songs(rows: Sequence[Mapping[str, Any]], num_held_out: int, num_gate: int) -> RoundSongs:
    """The prompts of all rounds out of the prepared songs (PREPARED_COLUMNS), those of the gate, and the true training
    songs that distances are to.
    """
    training = [row for row in rows if row["split"] == TRAIN and not row["drop_reason"]]
    return RoundSongs(
        prompts_of(rows, TRAIN),
        prompts_of(rows, VALIDATION, num_held_out),
        prompts_of(rows, VALIDATION, num_gate),
        FrechetReference(merged(windows_of(training))),
    )


def round_prompts(prompts: Sequence[Prompt], number: int, count: int) -> list[Prompt]:
    """The `count` prompts that round `number` (from 1) learns from: fresh ones as long as there are enough,
    then the first again.

    Raises:
        ValueError: a round asks for more prompts than there are.
    """
    if count > len(prompts):
        raise ValueError(
            f"round.num_prompts: {count} are asked for, {len(prompts)} training songs were kept; "
            "prepare more songs, or ask for fewer"
        )
    return [prompts[((number - 1) * count + place) % len(prompts)] for place in range(count)]


def round_pairs(
    prompts: Sequence[Prompt],
    candidates: Iterable[Mapping[str, Any]],
    rule: PairParams,
    split: str,
    people: Mapping[str, PeoplesPair] | None = None,
) -> RoundPairs:
    """Fold the candidates by parent into one row a prompt; `people`: what they chose."""
    parents = [prompt.song_id for prompt in prompts]
    wanted = set(parents)
    made = [candidate_of(candidate) for candidate in candidates if candidate["parent"] in wanted]
    return RoundPairs(pair_rows(parents, made, rule, people), split)


def write_pairs_file(path: Path, groups: Sequence[RoundPairs]) -> None:
    """The pairs and refusals of all splits in one Parquet file, a row a prompt."""
    rows = [
        {"song_id": row.song_id, "split": group.split, **row.columns}
        for group in groups
        for row in group.rows
    ]
    more = BY_PEOPLE if rows and "by_people" in rows[0] else {}
    write_rows(path, rows, _types(("split", *PAIR_COLUMNS, *more)))


def write_scores(path: Path, candidates: Iterable[Mapping[str, Any]]) -> None:
    """A flat row a candidate: the facts it was sung from, every judge's axes, and what the guard heard: the rate of words, or of
    phones where it writes no words.
    """
    facts = ("parent", "candidate", "seed", "checkpoint", "duration_s", "judge_scores", "reward")
    types = _types(facts) | {
        "style_guidance_scale": pa.float64(),
        "lyrics_guidance_scale": pa.float64(),
        "num_steps": pa.int32(),
    }
    made = [(candidate, candidate_of(candidate)) for candidate in candidates]
    heard = {name for name in RATES if any(getattr(one, name) is not None for _, one in made)}
    rate = next((name for name in RATES if name in heard), RATES[0])
    types |= {rate: pa.float64(), "drop_reason": pa.string()}
    rows = []
    for candidate, one in made:
        sampler = json.loads(candidate["recipe"])["sampler"]
        row = {"song_id": candidate["song_id"], **{name: candidate.get(name) for name in facts}}
        row |= {name: sampler[name] for name in SAMPLED_WITH}
        rows.append(row | {rate: getattr(one, rate), "drop_reason": candidate["drop_reason"]})
    write_rows(path, rows, types)


def write_rows(path: Path, rows: list[dict[str, Any]], types: Mapping[str, pa.DataType]) -> None:
    """A small Parquet file of whole rows, in the order of the first one's keys."""
    types = {"song_id": pa.string(), **types}
    names = list(rows[0]) if rows else list(types)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([(name, types[name]) for name in names])), sink)
    write_bytes(path, sink.getvalue().to_pybytes())


def _types(names: Iterable[str]) -> dict[str, pa.DataType]:
    return {name: _COLUMNS[name].type for name in names}


def training_pairs(
    pairs: RoundPairs, latents: Mapping[str, bytes], shards: Path, extras: Sequence[str] = ()
) -> list[Pair]:
    """The pairs as tensors: both candidates, and the prompt's own sample out of the shards.

    Args:
        latents: `generated_latent` of the candidates, by song id.
        extras: what else of the prompts' samples is read (`JamConfig.extras` of the policy).

    Raises:
        ValueError: a prompt is not in the shards.
    """
    source = open_shards(shards, pairs.split, 0, 0, extras)
    number_of = {place.song_id: number for number, place in enumerate(source.places)}
    found = []
    for row in pairs.rows:
        if row["winner"] is None:
            continue
        if row.song_id not in number_of:
            raise ValueError(
                f"prompt {row.song_id!r} is not in the {pairs.split} split of {shards}; pack again"
            )
        prompt: Sample = source[number_of[row.song_id]]
        found.append(Pair(prompt, array_of(latents[row["winner"]]), array_of(latents[row["loser"]])))
    return found
