"""A sweep trains the same pairs in several ways, and compares the songs prompt by prompt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eval.metrics.frechet import FrechetReference, window_statistics
from flows.settings.params import load_params
from tasks.audio.read import npy_bytes
from tasks.preference.params import SweepParams
from tasks.preference.sweep import ARMS, CONTRASTS, START, labelled, songs_by_arm, sweep_rows, system_of
from tasks.prompts.prompts import Prompt
from tests.tasks.preference.test_dpo import pair

PARAMS = SweepParams(seeds=(1, 2), num_prompts=6, seed=3, num_resamples=200)
PROMPTS = [Prompt(f"p{n}", "title", (), np.eye(1, 4, n % 4, dtype=np.float32), 9.0, None) for n in range(6)]
GAIN = {"none": 0.5, "gt": 0.3, "win": 0.3, "none-reversed": -0.5}


def row(prompt: Prompt, system: str, reward: float, seed: int) -> dict[str, Any]:
    windows_WD = np.random.default_rng(seed).standard_normal((9, 3)).astype(np.float32)
    return {
        "system": system,
        "parent": prompt.song_id,
        "drop_reason": None,
        "reward": reward,
        "judge_scores": [],
        "style_embedding": prompt.style_NS.tolist(),
        "window_embedding": npy_bytes(windows_WD),
    }


def songs_of(system: str, gain: float) -> list[dict[str, Any]]:
    return [row(prompt, system, 3.0 + gain + 0.01 * n, n) for n, prompt in enumerate(PROMPTS)]


def test_winners_and_losers_are_as_judged_reversed_or_half_of_them_swapped_at_random() -> None:
    pairs = [pair(n) for n in range(40)]
    assert labelled(pairs, "judged", 1) == pairs
    for one, other in zip(labelled(pairs, "reversed", 1), pairs, strict=True):
        assert (
            one.winner_TC is other.loser_TC and one.loser_TC is other.winner_TC and one.prompt is other.prompt
        )
    kept = [
        one.winner_TC is other.winner_TC
        for one, other in zip(labelled(pairs, "random", 1), pairs, strict=True)
    ]
    again = labelled(pairs, "random", 1)
    assert [one.winner_TC is other.winner_TC for one, other in zip(again, pairs, strict=True)] == kept
    assert sum(kept) == 20
    other_seed = labelled(pairs, "random", 2)
    assert [one.winner_TC is other.winner_TC for one, other in zip(other_seed, pairs, strict=True)] != kept


def test_every_mode_has_its_controls() -> None:
    names = {arm.name for arm in ARMS}
    assert {"none", "win", "gt", "win-beta0", "gt-beta0", "none-reversed"} < names
    assert {f"{mode}-random" for mode in ("none", "win", "gt")} < names
    assert all(left in names and right in names for left, right in CONTRASTS)


def test_arms_differ_in_what_they_are_about_and_in_nothing_else() -> None:
    params = load_params().dpo
    sections = {arm.name: arm.section(params, 7).model_dump() for arm in ARMS}
    same = [{**section, "term": None, "beta": None} for section in sections.values()]
    assert all(one == same[0] for one in same)
    assert sections["gt-beta0"]["beta"] == 0.0 and sections["gt"]["beta"] == params.beta
    assert (sections["win"]["term"], sections["gt"]["seed"], sections["gt"]["num_workers"]) == ("win", 7, 1)
    assert sections["gt"]["batch_size"] == params.batch_size * params.num_workers


def test_rows_tell_each_arm_from_the_start_and_from_its_control() -> None:
    rows, figures = songs_of(START, 0.0), {}
    for arm in ARMS:
        for seed in PARAMS.seeds:
            rows += songs_of(system_of(arm.name, seed), GAIN.get(arm.name, 0.0) + 0.02 * seed)
            figures[system_of(arm.name, seed)] = {"held_out_accuracy": 0.5 + 0.1 * seed}
    reference = FrechetReference(window_statistics(np.random.default_rng(9).standard_normal((200, 3))))
    arms, contrasts = sweep_rows(songs_by_arm(PROMPTS, rows), figures, PARAMS, reference)
    told = {one.name: one.changes["reward"] for one in (*arms, *contrasts)}
    assert told["none"].estimate.value == pytest.approx(0.53) and told["none"].claim
    assert told["none"].seeds == pytest.approx((0.52, 0.54))
    assert told["none-reversed"].estimate.value == pytest.approx(-0.47)
    assert told["gt - gt-beta0"].estimate.value == pytest.approx(0.3)
    assert arms[0].facts == {"held_out_accuracy": pytest.approx(0.65), "held_out_margin": None}
    assert arms[0].changes["fad"].estimate.value == pytest.approx(0.0)
    assert arms[0].changes["style_similarity"].estimate.value == 0.0


def test_songs_that_failed_are_missing_and_a_missing_prompt_is_an_error() -> None:
    rows = songs_of("none-s1", 0.0)
    rows[2] |= {
        "drop_reason": "not_finite",
        "reward": None,
        "style_embedding": None,
        "window_embedding": None,
    }
    sung = songs_by_arm(PROMPTS, rows)["none-s1"]
    assert [values[2] for values in sung.values()] == [None, None, None]
    assert sung["reward"][1] == pytest.approx(3.01)
    with pytest.raises(ValueError, match="none-s1 lacks 1 of the sweep's prompts, first p5"):
        songs_by_arm(PROMPTS, rows[:-1])
