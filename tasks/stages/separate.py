"""Separate: takes the vocals out of every mix, and the other stems where they are asked for."""

from __future__ import annotations

import pyarrow as pa

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.read import flac_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model, Section
from tasks.models.separator import (
    VOCALS,
    Stems,
    build_separator,
    grouped,
)
from tasks.stages.bases import MixStage

STEM = pa.struct([("name", pa.string()), ("bytes", pa.large_binary())])


class SeparateParams(Section):
    """`stems`: what is kept of a separated mix. ``vocals``: those alone; ``two``: vocals and accompaniment
    too; ``four``: drums, bass, other and vocals too.
    """

    stems: Stems


class Separate(MixStage):
    """Vocals of a mix, as 16-bit mono FLAC; stems as 16-bit stereo FLAC."""

    name = "separate"
    version = 2
    params: SeparateParams
    separator = Model(build_separator)
    writes = {
        "vocals": Column(pa.large_binary(), "vocals, mono 44.1 kHz FLAC", large=True),
        "stems": Column(
            pa.list_(STEM),
            "the parts of the mix, stereo 44.1 kHz FLAC; null = only vocals are kept",
            large=True,
        ),
    }

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
