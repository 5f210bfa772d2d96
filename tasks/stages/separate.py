"""Separate: takes the vocals out of every mix, and the other stems where they are asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.mix import mix_of
from tasks.audio.read import flac_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage
from tasks.models.separator import (
    VOCALS,
    Separator,
    SeparatorParams,
    Stems,
    build_separator,
    grouped,
    separator_identity,
)


class SeparateParams(Section):
    """`stems`: what is kept of a separated mix. ``vocals``: those alone; ``two``: vocals and accompaniment
    too; ``four``: drums, bass, other and vocals too.
    """

    stems: Stems


class Separate(Stage):
    """Vocals of a mix, as 16-bit mono FLAC; stems as 16-bit stereo FLAC."""

    name = "separate"
    version = 2
    reads = frozenset({"audio", "duration_s"})
    writes = frozenset({"vocals", "stems"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr")

    def __init__(self, params: SeparateParams, separator: SeparatorParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: SeparateParams = params
        self.separator_params = separator
        self.songs_root = songs_root

    @property
    def models(self) -> tuple[str, ...]:
        return (separator_identity(self.separator_params),)

    @property
    def facts(self) -> dict[str, Any]:
        """The separator's section."""
        return {"separator": self.separator_params.decides()}

    @cached_property
    def separator(self) -> Separator:
        """Built once a worker."""
        return build_separator(self.separator_params)

    def open(self, song: Song) -> np.ndarray:
        """The mix."""
        return mix_of(song.song_id, song["audio"], self.songs_root)

    def one(self, song: Song) -> Song:
        """The song with its vocals, and its stems unless ``vocals`` alone are kept."""
        mix_CN = self.opened(song)
        if self.params.stems == VOCALS:
            vocals_N = self.separator.separate(mix_CN)
            return song.with_columns(vocals=flac_bytes(vocals_N, SAMPLE_RATE_HZ), stems=None)
        stems = grouped(self.separator.stems(mix_CN), self.params.stems)
        return song.with_columns(
            vocals=flac_bytes(stems[VOCALS].mean(axis=0), SAMPLE_RATE_HZ),
            stems=[
                {"name": name, "bytes": flac_bytes(stem_CN, SAMPLE_RATE_HZ)}
                for name, stem_CN in stems.items()
            ],
        )
