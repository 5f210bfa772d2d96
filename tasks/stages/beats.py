"""Beats: when the beats of a mix fall, for grids of words and for controls. Only where a model is chosen for it."""

from __future__ import annotations

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.beats import BeatsParams, build_beats
from tasks.stages.bases import MixStage

TIMES = pa.list_(pa.float64())


class Beats(MixStage):
    """Asks the tracker of `models.beats`. A song without beats has none; it is not dropped for it."""

    name = "beats"
    version = 1
    params: BeatsParams
    tracker = Model(build_beats)
    writes = {
        "beats_s": Column(TIMES, "times of the beats heard in the mix, in seconds, ascending; empty = none"),
        "downbeats_s": Column(TIMES, "those of them that open a bar; null = the tracker knows no bars"),
        "tempo_bpm": Column(pa.float64(), "of the median time between beats; null = fewer than two"),
    }

    def one(self, song: Song) -> Song:
        """The song with its beats."""
        heard = self.tracker.track(self.opened(song))
        downbeats = None if heard.downbeats_s is None else list(heard.downbeats_s)
        return song.with_columns(
            beats_s=list(heard.times_s), downbeats_s=downbeats, tempo_bpm=heard.tempo_bpm
        )
