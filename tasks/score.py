"""Score: a judge's axes for every song."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.mix import mix_of
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
        return song.with_columns(scores=[float(s) for s in self.judge.score(self.opened(song))])
