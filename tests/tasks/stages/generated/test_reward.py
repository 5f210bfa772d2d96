"""Reward is a weighted mean of named scores, and every judge's axes are written down."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.settings.params import load_params
from tasks.engine.song import Song
from tasks.stages.generated.reward import Reward, RewardParams
from tests.tasks.tiny import given, write_song

JUDGE = load_params().models.judge
AXES = JUDGE.axes


def weighed(**weights: float) -> RewardParams:
    terms = [{"score": name.replace("__", "."), "weight": weight} for name, weight in weights.items()]
    return RewardParams.model_validate({"terms": terms})


def scored(tmp_path: Path, *scores: float) -> Song:
    write_song(tmp_path / "a.wav")
    return given("a.wav", root=tmp_path, scores=list(scores))


def test_the_mean_of_the_chosen_judges_axes_needs_no_other_judge(tmp_path: Path) -> None:
    stage = Reward(load_params().reward, JUDGE)
    song = stage.one(Song("a", {"audio": None, "duration_s": 1.0, "scores": [1.0, 2.0, 3.0, 4.0, 5.0]}))
    assert song["reward"] == 3.0
    assert [entry["axis"] for entry in song["judge_scores"]] == list(AXES)
    assert (
        {entry["judge"] for entry in song["judge_scores"]} == set(stage.models) == {"embedded/signal-judge@1"}
    )


def test_axes_and_judges_are_weighed_against_one_another(tmp_path: Path) -> None:
    song = scored(tmp_path, 1.0, 2.0, 3.0, 4.0, 5.0)
    one_axis = Reward(weighed(judge__clarity=2.0), JUDGE).one(song)
    assert one_axis["reward"] == 4.0 and len(one_axis["judge_scores"]) == len(AXES)
    both = Reward(weighed(judge=3.0, brightness=1.0), JUDGE).one(song)
    bright = both["judge_scores"][-1]
    assert bright["judge"] == "embedded/brightness@1" and 1 <= bright["score"] <= 5
    assert both["reward"] == pytest.approx((3 * 3.0 + bright["score"]) / 4)
    less = Reward(weighed(judge=1.0, brightness=-1.0), JUDGE).one(song)
    assert less["reward"] == pytest.approx((3.0 - bright["score"]) / 2)


def test_a_judge_may_be_named_by_its_model(tmp_path: Path) -> None:
    song = scored(tmp_path, 1.0, 2.0, 3.0, 4.0, 5.0)
    named, chosen = (Reward(weighed(**{name: 1.0}), JUDGE) for name in ("embedded", "judge"))
    assert named.one(song) == chosen.one(song)


def test_a_weighed_score_that_is_no_number_makes_no_reward(tmp_path: Path) -> None:
    song = scored(tmp_path, 1.0, 2.0, 3.0, math.nan, 5.0)
    assert math.isnan(Reward(weighed(judge=1.0), JUDGE).one(song)["reward"])
    assert Reward(weighed(judge__coherence=1.0), JUDGE).one(song)["reward"] == 1.0


def test_unknown_scores_and_no_weight_are_refused() -> None:
    with pytest.raises(ValueError, match="choose one of: embedded"):
        weighed(taste=1.0).judges(JUDGE)
    with pytest.raises(ValueError, match="embedded has no such axis; it has coherence"):
        weighed(judge__taste=1.0).judges(JUDGE)
    with pytest.raises(ValidationError, match="every weight is 0"):
        weighed(judge=0.0)
    with pytest.raises(ValueError, match="terms"):
        load_params(settings=["reward.terms=[]"])
