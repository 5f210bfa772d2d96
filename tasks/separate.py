"""Separate: takes the vocals out of every mix."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio import flac_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.mix import mix_of
from tasks.models.separator import Separator, SeparatorParams, build_separator, separator_identity


class Separate(Stage):
    """Vocals of a mix, as 16-bit mono FLAC."""

    name = "separate"
    version = 1
    reads = frozenset({"audio", "duration_s"})
    writes = frozenset({"vocals"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr")

    def __init__(self, params: SeparatorParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: SeparatorParams = params
        self.songs_root = songs_root

    @property
    def models(self) -> tuple[str, ...]:
        return (separator_identity(self.params),)

    @cached_property
    def separator(self) -> Separator:
        """Built once a worker."""
        return build_separator(self.params)

    def open(self, song: Song) -> np.ndarray:
        """The mix."""
        return mix_of(song.song_id, song["audio"], self.songs_root)

    def one(self, song: Song) -> Song:
        """The song with its vocals."""
        vocals_N = self.separator.separate(self.opened(song))
        return song.with_columns(vocals=flac_bytes(vocals_N, SAMPLE_RATE_HZ))
