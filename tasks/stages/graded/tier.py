"""Tier: how good a kept song is, by limits of params on all that was measured of it. Only where limits are given."""

from __future__ import annotations

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.quality.detected import DETECTED
from tasks.quality.tiers import TierParams, graded_values


class Tier(Stage):
    """A tier decides how often a song is trained on, and drops none."""

    name = "tier"
    version = 1
    params: TierParams
    writes = {"tier": Column(pa.string(), "A, B or C, by the limits of `tiers`")}

    def __init__(self, params: TierParams) -> None:
        super().__init__(params)
        self.reads = frozenset({"kept", "quality"})
        self.reads |= {"detected"} if params.measured_by(DETECTED) else set()
        self.reads |= {"aesthetics"} if params.judges() else set()

    def one(self, song: Song) -> Song:
        """The song with its tier."""
        return song.with_columns(tier=self.params.tier_of(graded_values(song.columns)))
