"""Gauge: what can be read off a mix itself: how loud it is, how much of it is clipped, how much is silent."""

from __future__ import annotations

import numpy as np

from tasks.audio.levels import clipped_share, silence_share
from tasks.audio.loudness import loudness_lufs
from tasks.audio.mix import mix_of
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.stages.check import CheckParams


class Gauge(Stage):
    """The levels of a mix; loudness is null for a silent or very short one."""

    name = "gauge"
    version = 1
    reads = frozenset({"audio", "duration_s"})
    writes = frozenset({"loudness_lufs", "clipped_share", "silence_share"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr", "pyloudnorm")

    def __init__(self, params: CheckParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: CheckParams = params
        self.songs_root = songs_root

    def open(self, song: Song) -> np.ndarray:
        """The mix."""
        return mix_of(song.song_id, song["audio"], self.songs_root)

    def one(self, song: Song) -> Song:
        """The song with its levels."""
        mix_CN = self.opened(song)
        return song.with_columns(
            loudness_lufs=loudness_lufs(mix_CN),
            clipped_share=clipped_share(mix_CN),
            silence_share=silence_share(mix_CN, self.params.silence_db),
        )
