"""jam pairs: every pair with the ids that --replay takes, and every refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.console.rounds import print_pairs
from tasks.engine.song import Song
from tasks.preference.round_tables import RoundPairs, write_pairs_file, write_scores
from tests.tasks.tiny import timed

SAMPLER = json.dumps({"sampler": {"style_guidance_scale": 1.0, "lyrics_guidance_scale": 1.0, "num_steps": 4}})


def candidate(prompt: str, number: int, reward: float | None) -> dict:
    return {
        "song_id": f"{prompt}-r1-k{number}", "parent": prompt, "candidate": number, "seed": 1, "checkpoint": "c",
        "duration_s": 2.0, "judge_scores": [{"judge": "j", "axis": "Coherence", "score": 3.0 + number}],
        "reward": reward, "recipe": SAMPLER, "drop_reason": None if reward is not None else "not_finite",
        "reference_words": timed(("moon", 0.0, 1.0)), "transcript": ["moon"], "transcript_phones": None,
    }  # fmt: skip


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Round 1 with a pair and a refusal to learn from, and a refusal held out."""
    none = dict.fromkeys(("winner", "loser", "margin", "refusal"))
    learn = [
        Song("hello", {**none, "winner": "hello-r1-k1", "loser": "hello-r1-k0", "margin": 0.25}),
        Song("moon", {**none, "refusal": "margin_too_small"}),
    ]
    check = [Song("star", {**none, "refusal": "not_scored"})]
    folder = tmp_path / "rounds/1"
    folder.mkdir(parents=True)
    write_pairs_file(folder / "pairs.parquet", [RoundPairs(learn, "train"), RoundPairs(check, "validation")])
    rewards = {"hello": (0.5, 0.75), "moon": (0.5, 0.51), "star": (0.5, None)}
    write_scores(
        folder / "scores.parquet",
        [
            candidate(name, number, reward)
            for name, two in rewards.items()
            for number, reward in enumerate(two)
        ],
    )
    return tmp_path


def test_pairs_are_shown_by_the_ids_that_replay_takes_and_refusals_one_by_one(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_pairs(work, 1)
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert said == [
        "round 1, learned from: 2 prompts, 1 pair, refused: margin_too_small 1",
        "candidate reward margin Coherence word errors",
        "winner hello-r1-k1 0.75 0.250 4.00 0.00",
        "loser hello-r1-k0 0.50 3.00 0.00",
        "refused moon: margin_too_small; rewards: moon-r1-k0 0.50, moon-r1-k1 0.51",
        "round 1, held out: 1 prompt, 0 pairs, refused: not_scored 1",
        "refused star: not_scored; rewards: star-r1-k0 0.50, star-r1-k1 not_finite",
    ]


def test_a_round_that_is_not_there_is_refused(work: Path) -> None:
    with pytest.raises(ValueError, match=r"round: there is no round 2 in .*; run `jam dpo"):
        print_pairs(work, 2)
