"""MeasureLevels: what can be read off a mix itself: how loud it is, how much of it is clipped, how much is silent."""

from __future__ import annotations

import pyarrow as pa

from tasks.audio.levels import clipped_share, silence_share
from tasks.audio.loudness import loudness_lufs
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.quality.checked_song import CheckParams
from tasks.stages.bases import MixStage


class MeasureLevels(MixStage):
    """The levels of a mix; loudness is null for a silent or very short one."""

    name = "measure_levels"
    version = 1
    packages = (*MixStage.packages, "pyloudnorm")
    params: CheckParams
    writes = {
        "loudness_lufs": Column(pa.float64(), "integrated loudness of the mix; null = silent, or too short"),
        "clipped_share": Column(
            pa.float64(), "samples at full scale that follow another one there, as a share"
        ),
        "silence_share": Column(pa.float64(), "10 ms pieces below `check.silence_db`, as a share"),
    }

    def one(self, song: Song) -> Song:
        """The song with its levels."""
        mix_CN = self.opened(song)
        return song.with_columns(
            loudness_lufs=loudness_lufs(mix_CN),
            clipped_share=clipped_share(mix_CN),
            silence_share=silence_share(mix_CN, self.params.silence_db),
        )
