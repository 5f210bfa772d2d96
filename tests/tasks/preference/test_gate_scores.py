"""A policy's songs become one score a prompt: means over candidates, and nothing made up for what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word
from tasks.audio.read import npy_bytes
from tasks.preference.gate import policy_scores, unrewarded
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.reward import RewardParams, Term

JUDGE = load_params().models.judge


class Letters:
    """A phonemizer for which every letter is a phone."""

    def phones(self, words: Sequence[str]) -> list[str]:
        return [letter for word in words for letter in word]


def prompt(song_id: str) -> Prompt:
    words = (Word("ab", 0.0, 0.5, "ab"),)
    return Prompt(song_id, "title", words, np.float32([[1, 0]]), 3.0, None)


def candidate(
    parent: str, reward: float, heard: str, style: list[float], dropped: str | None = None
) -> dict[str, Any]:
    return {
        "song_id": f"{parent}-x",
        "parent": parent,
        "drop_reason": dropped,
        "made_by": ["reward-v1 embedded/x@1"],
        "reward": reward,
        "judge_scores": [{"judge": "j", "axis": "a", "score": 1.0}],
        "transcript": [heard],
        "transcript_phones": list(heard),
        "style_embedding": [style],
        "window_embedding": npy_bytes(np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32)),
        "tail_energy": None,
    }


def scored(*rows: dict[str, Any]) -> Any:
    prompts = [prompt("p"), prompt("q")]
    return policy_scores(prompts, rows, Letters(), lambda row: None)  # type: ignore[arg-type]


def test_a_prompt_has_the_mean_of_its_takes_and_all_their_errors() -> None:
    found = scored(
        candidate("p", 2.0, "ab", [1, 0]),
        candidate("p", 4.0, "cd", [0, 1]),
        *[candidate("q", 3.0, "ab", [1, 0])] * 2,
    )
    assert found.values["reward"] == [3.0, 3.0]
    assert found.values["diversity"] == pytest.approx([1.0, 0.0])
    assert found.values["style_similarity"] == pytest.approx([0.5, 1.0])
    assert found.values["failed"] == [0.0, 0.0]
    assert [counts.rate for counts in found.values["acoustic_per"]] == [0.5, 0.0]
    assert [windows.num_windows for windows in found.values["fad"]] == [20, 20]
    assert found.made_by == ["reward-v1 embedded/x@1"]
    assert not {"other_judges", "energy_after_end"} & set(found.values)  # nobody measured them


def test_takes_that_failed_are_counted_and_never_a_score() -> None:
    found = scored(
        candidate("p", 2.0, "ab", [1, 0]),
        candidate("p", 9.0, "", [0, 0], "not_finite"),
        *[candidate("q", 9.0, "", [0, 0], "timed_out")] * 2,
    )
    assert found.values["failed"] == [0.5, 1.0]
    assert found.values["reward"] == [2.0, None]
    assert found.values["per"][1] is None and found.values["fad"][1] is None
    assert "diversity" not in found.values


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([Term(score="judge", weight=1.0)], None),
        ([Term(score="judge.clarity", weight=1.0)], 2.0),
        ([Term(score="brightness", weight=1.0)], 2.2),
    ],
)
def test_other_judges_are_the_axes_that_the_reward_does_not_weigh(
    terms: list[Term], expected: float | None
) -> None:
    reward = RewardParams(terms=tuple(terms))
    scores = dict(zip(JUDGE.axes, (1.0, 2.0, 2.0, 3.0, 3.0), strict=True))
    judged = [{"judge": "embedded/signal-judge@1", "axis": axis, "score": s} for axis, s in scores.items()]
    judged.append({"judge": "embedded/brightness@1", "axis": "brightness", "score": 5.0})
    if terms[0].score != "brightness":
        judged.pop()
    found = unrewarded(reward, JUDGE)({"judge_scores": judged})
    assert found == (None if expected is None else pytest.approx(expected))
