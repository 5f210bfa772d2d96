"""Reward: what candidates are ranked by, a weighted mean of terms (axes of one judge or several), chosen in params."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Section
from tasks.models.judge import Judge, JudgeParams, build_judge
from tasks.stages.bases import MixStage
from tasks.stages.generated.score import scored

CHOSEN = "judge"
JUDGE_SCORES = pa.struct([("judge", pa.string()), ("axis", pa.string()), ("score", pa.float64())])


class Term(Section):
    """One score and its weight. `score`: ``judge`` is the mean of the axes of the judge that section `judge`
    chooses, the name of another of its models (``audiobox``, ``brightness``) the mean of that one's; with an
    axis behind a dot (``judge.musicality``) that axis alone. A negative weight asks for less of it.
    """

    score: str
    weight: float

    def judge_of(self, chosen: str) -> str:
        """Whose score it is, where `chosen` is the chosen judge."""
        name = self.score.partition(".")[0]
        return chosen if name == CHOSEN else name

    @property
    def axis(self) -> str:
        """Which of its axes; empty for the mean of all."""
        return self.score.partition(".")[2]


class RewardParams(Section):
    """The reward is the sum of weight x score over the sum of the weights' sizes."""

    terms: tuple[Term, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _weighs_something(self) -> RewardParams:
        if not self.total > 0:
            raise ValueError("every weight is 0; give at least one score a weight")
        return self

    @property
    def total(self) -> float:
        """The sum of the weights' sizes."""
        return sum(abs(term.weight) for term in self.terms)

    def judges(self, judge: JudgeParams) -> dict[str, JudgeParams]:
        """Every judge by the name of its model, the chosen one first, whether it is weighed or not.

        Raises:
            ValueError: a term names no judge, or an axis that it does not have.
        """
        found = {judge.model: judge}
        for term in self.terms:
            name = term.judge_of(judge.model)
            axes = found.setdefault(name, judge.model_copy(update={"model": name})).axes
            if term.axis and term.axis not in axes:
                raise ValueError(
                    f"reward.terms: {term.score!r}: {name} has no such axis; it has {', '.join(axes)}"
                )
        return found

    def reward(self, scores: Mapping[str, Mapping[str, float]], chosen: str) -> float:
        """The reward of a song from its scores, by judge and axis; NaN where a weighed one is NaN."""
        weighed = 0.0
        for term in self.terms:
            axes = scores[term.judge_of(chosen)]
            weighed += term.weight * (axes[term.axis] if term.axis else sum(axes.values()) / len(axes))
        return weighed / self.total


class Reward(MixStage):
    """Ranks a song by the scores it already has from the chosen judge, and those of any other judge weighed."""

    name = "reward"
    version = 1
    reads = MixStage.reads | {"scores"}
    params: RewardParams
    writes = {
        "judge_scores": Column(
            pa.list_(JUDGE_SCORES), "every axis of every judge asked, with the judge's name and revision"
        ),
        "reward": Column(
            pa.float64(), "what candidates are ranked by: the weighted mean that params ask for"
        ),
    }

    def __init__(self, params: RewardParams, judge: JudgeParams) -> None:
        self.judges = params.judges(judge)
        self.chosen = judge.model
        super().__init__(params, *self.judges.values())

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(judge.identity() for judge in self.judges.values())

    @property
    def facts(self) -> dict[str, Any]:
        """The sections of the judges, by name."""
        return {name: judge.decides() for name, judge in self.judges.items()}

    @cached_property
    def listeners(self) -> dict[str, Judge]:
        """The judges that must listen: all but the chosen one. Built once a worker."""
        return {name: build_judge(judge) for name, judge in self.judges.items() if name != self.chosen}

    @cached_property
    def identities(self) -> dict[str, str]:
        """Name and revision of every judge."""
        return dict(zip(self.judges, self.models, strict=True))

    def open(self, song: Song) -> np.ndarray | None:
        """The mix, where a judge must listen to it."""
        return super().open(song) if len(self.judges) > 1 else None

    def one(self, song: Song) -> Song:
        """The song with its reward, and every judge's axes in `judged`."""
        mix_CN = self.opened(song)
        given = {self.chosen: song["scores"]}
        given |= {name: scored(judge, mix_CN, song.song_id) for name, judge in self.listeners.items()}
        scores = {
            name: dict(zip(judge.axes, given[name], strict=True)) for name, judge in self.judges.items()
        }
        judged = [
            {"judge": self.identities[name], "axis": axis, "score": score}
            for name, axes in scores.items()
            for axis, score in axes.items()
        ]
        return song.with_columns(judge_scores=judged, reward=self.params.reward(scores, self.chosen))
