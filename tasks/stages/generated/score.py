"""Score: a judge's axes for every song."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Model
from tasks.models.judge import Judge, JudgeParams, build_judge
from tasks.stages.bases import MixStage


class Score(MixStage):
    """Aesthetic scores of a mix."""

    name = "score"
    version = 2
    params: JudgeParams
    judge = Model(build_judge)
    writes = {
        "scores": Column(
            pa.list_(pa.float64()), "a score for each of the judge's axes, in its order and range"
        )
    }

    def one(self, song: Song) -> Song:
        """The song with a score for each of the judge's axes."""
        return song.with_columns(scores=scored(self.judge, self.opened(song), song.song_id))


def scored(judge: Judge, mix_CN: np.ndarray, song_id: str) -> list[float]:
    """The judge's axes of one song.

    Raises:
        SongError: ``judge_failed``: the judge cannot score this song, or not with finite numbers.
    """
    try:
        scores_A = np.asarray(judge.score(mix_CN), np.float64)
    except (ValueError, RuntimeError) as error:
        raise SongError(song_id, "judge_failed", f"{type(error).__name__}: {error}") from error
    if not np.isfinite(scores_A).all():
        raise SongError(song_id, "judge_failed", f"scores that are not finite: {scores_A.tolist()}")
    return [float(score) for score in scores_A]
