"""Aesthetics: what judges say of a song's mix before anything is trained on it. Only where judges are chosen."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
from pydantic import field_validator

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model, Section
from tasks.models.judge import JudgeParams, build_judge
from tasks.stages.bases import MixStage
from tasks.stages.generated.reward import JUDGE_SCORES
from tasks.stages.generated.score import scored


class AestheticsParams(Section):
    """`judges`: who hears the mix, each set up as in `models.judge`; none: there is no such stage."""

    judges: tuple[Literal["embedded", "songeval", "audiobox"], ...]

    def decides(self) -> dict[str, Any]:
        """Nothing where nobody is asked."""
        return super().decides() if self.judges else {}

    @field_validator("judges")
    @classmethod
    def _each_once(cls, judges: tuple[str, ...]) -> tuple[str, ...]:
        if len({*judges}) != len(judges):
            raise ValueError(f"judges are {', '.join(judges)}; name each once")
        return judges


class Aesthetics(MixStage):
    """Asks every chosen judge about the mix; a judge has its own axes and its own range."""

    name = "aesthetics"
    version = 1
    params: AestheticsParams
    embedded = Model(build_judge)
    songeval = Model(build_judge)
    audiobox = Model(build_judge)
    writes = {
        "aesthetics": Column(
            pa.list_(JUDGE_SCORES),
            "every axis of every judge of `aesthetics.judges`, in the judge's own range; judge: embedded, songeval or audiobox",
        )
    }

    def __init__(self, params: AestheticsParams, judge: JudgeParams) -> None:
        """`judge`: where each judge's settings are, whichever it chooses."""
        self.chosen: dict[str, JudgeParams] = {
            name: judge.model_copy(update={"model": name}) for name in params.judges
        }
        super().__init__(params, *self.chosen.values())

    @property
    def choices(self) -> dict[str, Any]:
        """Of the three judges those that were chosen."""
        return {**self.chosen}

    def one(self, song: Song) -> Song:
        """The song with what its judges say.

        Raises:
            SongError: ``judge_failed``: see `tasks.stages.generated.score.scored`.
        """
        mix_CN = self.opened(song)
        judged = [
            {"judge": name, "axis": axis, "score": score}
            for name, params in self.chosen.items()
            for axis, score in zip(
                params.axes, scored(getattr(self, name), mix_CN, song.song_id), strict=True
            )
        ]
        return song.with_columns(aesthetics=judged)
