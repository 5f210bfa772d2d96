"""A round as data: pairs and refusals add up to the prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tasks.fanout import Prompt
from tasks.pair import PairParams
from tasks.round import choose_pairs

RULE = PairParams(
    min_candidates=2, min_margin=0.1, min_margin_percentile=None, max_axis_loss=None, max_word_loss=None
)


def prompt(song_id: str) -> Prompt:
    return Prompt(song_id, "title", (), (), np.zeros((1, 2), np.float32), 9.0, None)


def take(parent: str, number: int, reward: float | None, drop_reason: str | None = None) -> dict:
    return {
        "song_id": f"{parent}-r1-k{number}",
        "parent": parent,
        "take": number,
        "reward": reward,
        "judged": [],
        "asked_words": [{"word": "love"}],
        "transcript": ["love"],
        "drop_reason": drop_reason,
    }


TAKES = [
    take("good", 0, 3.0),
    take("good", 1, 3.5),
    take("good", 2, 2.0),
    take("tied", 0, 3.0),
    take("tied", 1, 3.0),
    take("near", 0, 3.0),
    take("near", 1, 3.05),
    take("lonely", 0, 3.0),
    take("lonely", 1, None, "timed_out"),
    take("stranger", 0, 5.0),
]


def test_pairs_and_refusals_add_up_to_the_prompts() -> None:
    prompts = [prompt(name) for name in ("good", "tied", "near", "lonely")]
    pairs = choose_pairs(prompts, TAKES, RULE)
    assert pairs.num_pairs == 1
    assert pairs.refusals == {"margin_too_small": 1, "not_scored": 1, "tie": 1}
    assert pairs.num_pairs + sum(pairs.refusals.values()) == len(prompts)
    assert (pairs.rows[0]["winner"], pairs.rows[0]["loser"]) == ("good-r1-k1", "good-r1-k2")


def test_pairs_are_written_a_row_a_prompt(tmp_path: Path) -> None:
    pairs = choose_pairs([prompt("good"), prompt("tied")], TAKES, RULE)
    pairs.write(tmp_path / "pairs.parquet")
    rows = pq.read_table(tmp_path / "pairs.parquet").to_pylist()
    assert [row["song_id"] for row in rows] == ["good", "tied"]
    assert rows[0]["margin"] == 1.5 and rows[1]["refusal"] == "tie" and rows[1]["winner"] is None
