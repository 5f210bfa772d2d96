"""Score: a judge's axes for every song."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tasks.audio.mix import mix_of
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.models.judge import Judge, JudgeParams, build_judge, judge_identity


class Score(Stage):
    """Aesthetic scores of a mix."""

    name = "score"
    version = 2
    reads = frozenset({"audio", "duration_s"})
    writes = frozenset({"scores"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr")

    def __init__(self, params: JudgeParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: JudgeParams = params
        self.songs_root = songs_root

    @property
    def models(self) -> tuple[str, ...]:
        return (judge_identity(self.params),)

    @cached_property
    def judge(self) -> Judge:
        """Built once a worker."""
        return build_judge(self.params)

    def open(self, song: Song) -> np.ndarray:
        """The mix."""
        return mix_of(song.song_id, song["audio"], self.songs_root)

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
