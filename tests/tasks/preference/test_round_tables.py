"""A round as data: pairs and refusals add up to the prompts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.preference.pairing import PairParams
from tasks.preference.round_tables import (
    RoundPrompts,
    round_pairs,
    round_prompts,
    write_pairs_file,
    write_scores,
)
from tasks.prompts.prompts import Prompt
from tests.tasks.tiny import timed

RULE = PairParams(
    by="judge",
    min_candidates=2,
    min_margin=0.1,
    min_margin_percentile=None,
    max_axis_loss=None,
    max_word_loss=None,
    max_phone_loss=None,
)


def prompt(song_id: str) -> Prompt:
    return Prompt(song_id, "title", (), np.zeros((1, 2), np.float32), 9.0, None)


def candidate(parent: str, number: int, reward: float | None, drop_reason: str | None = None) -> dict:
    return {
        "song_id": f"{parent}-r1-k{number}",
        "parent": parent,
        "candidate": number,
        "reward": reward,
        "judge_scores": [],
        "reference_words": timed(("love", 0.0, 1.0)),
        "transcript": ["love"],
        "transcript_phones": ["l", "ʌ", "v"],
        "drop_reason": drop_reason,
    }


HEARD_AS_WRITTEN = [{**word, "phonemes": "lˈʌv"} for word in timed(("love", 0.0, 1.0))]
TAKES = [
    candidate("good", 0, 3.0),
    candidate("good", 1, 3.5),
    candidate("good", 2, 2.0),
    candidate("tied", 0, 3.0),
    candidate("tied", 1, 3.0),
    candidate("near", 0, 3.0),
    candidate("near", 1, 3.05),
    candidate("lonely", 0, 3.0),
    candidate("lonely", 1, None, "timed_out"),
    candidate("stranger", 0, 5.0),
]


def test_pairs_and_refusals_add_up_to_the_prompts() -> None:
    prompts = [prompt(name) for name in ("good", "tied", "near", "lonely")]
    pairs = round_pairs(prompts, TAKES, RULE, "train")
    assert pairs.num_pairs == 1
    assert pairs.refusals == {"margin_too_small": 1, "not_scored": 1, "tie": 1}
    assert pairs.num_pairs + sum(pairs.refusals.values()) == len(prompts)
    assert (pairs.rows[0]["winner"], pairs.rows[0]["loser"]) == ("good-r1-k1", "good-r1-k2")


def test_pairs_are_written_a_row_a_prompt(tmp_path: Path) -> None:
    groups = [
        round_pairs([prompt(name)], TAKES, RULE, split)
        for name, split in (("good", "train"), ("tied", "validation"))
    ]
    write_pairs_file(tmp_path / "pairs.parquet", groups)
    rows = pq.read_table(tmp_path / "pairs.parquet").to_pylist()
    assert [(row["song_id"], row["split"]) for row in rows] == [("good", "train"), ("tied", "validation")]
    assert rows[0]["margin"] == 1.5 and rows[1]["refusal"] == "tie" and rows[1]["winner"] is None


def test_prompts_are_written_with_their_split(tmp_path: Path) -> None:
    RoundPrompts([prompt("a"), prompt("b")], [prompt("c")]).write(tmp_path / "prompts.parquet")
    rows = pq.read_table(tmp_path / "prompts.parquet").to_pylist()
    assert [(row["song_id"], row["split"], row["duration_s"]) for row in rows] == [
        ("a", "train", 9.0),
        ("b", "train", 9.0),
        ("c", "validation", 9.0),
    ]


def test_scores_hold_every_take_with_the_facts_it_was_sung_from(tmp_path: Path) -> None:
    judged = [{"judge": "embedded/x@1", "axis": "clarity", "score": 2.5}]
    sampler = {"style_guidance_scale": 1.5, "lyrics_guidance_scale": 3.5, "num_steps": 8}
    facts = {"seed": 4, "checkpoint": "abc", "duration_s": 8.9, "recipe": json.dumps({"sampler": sampler})}
    candidates = [{**candidate("good", 0, 2.5), **facts, "judge_scores": judged, "transcript": ["moon"]}]
    candidates.append(
        {**candidate("good", 1, None, "timed_out"), **facts, "judge_scores": None, "transcript": None}
    )
    by_phones = [{**one, "transcript": None} for one in candidates[:1]] + candidates[1:]
    write_scores(
        tmp_path / "phones.parquet", [{**by_phones[0], "reference_words": HEARD_AS_WRITTEN}, by_phones[1]]
    )
    heard, _ = pq.read_table(tmp_path / "phones.parquet").to_pylist()
    assert heard["phone_error_rate"] == 0.0 and "word_error_rate" not in heard
    write_scores(tmp_path / "scores.parquet", candidates)
    sung, dropped = pq.read_table(tmp_path / "scores.parquet").to_pylist()
    assert (sung["seed"], sung["checkpoint"], sung["num_steps"], sung["lyrics_guidance_scale"]) == (
        4,
        "abc",
        8,
        3.5,
    )
    assert (sung["judge_scores"], sung["reward"], sung["word_error_rate"]) == (judged, 2.5, 1.0)
    assert (dropped["drop_reason"], dropped["reward"], dropped["word_error_rate"]) == (
        "timed_out",
        None,
        None,
    )


def test_every_round_gets_fresh_prompts_until_there_are_no_more() -> None:
    prompts = [prompt(name) for name in "abcde"]
    rounds = [[found.song_id for found in round_prompts(prompts, number, 2)] for number in (1, 2, 3, 4)]
    assert rounds == [["a", "b"], ["c", "d"], ["e", "a"], ["b", "c"]]
    with pytest.raises(ValueError, match="6 are asked for, 5 training songs were kept"):
        round_prompts(prompts, 1, 6)
