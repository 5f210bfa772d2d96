"""Chords: what sounds from when to when beneath the voice, for controls. Only where a model is chosen for it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.chords import ChordsParams, build_chords
from tasks.stages.bases import MixStage, mix_in, vocals_in

CHORD = pa.struct(
    [("label", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64()), ("score", pa.float64())]
)


class Chords(MixStage):
    """Asks the recogniser of `models.chords` about the mix less its separated vocals."""

    name = "chords"
    version = 1
    reads = MixStage.reads | {"vocals"}
    params: ChordsParams
    recogniser = Model(build_chords)
    writes = {
        "chords": Column(
            pa.list_(CHORD),
            "chords of the mix without its vocals, one behind the other from 0 to its end: label as Harte spells it, N = none; "
            "score in [0, 1]: its mean probability among the labels of the model",
        ),
    }

    def open(self, song: Song) -> np.ndarray | None:
        """The mix less its vocals, float32 [2, N] at 44.1 kHz."""
        mix_CN = mix_in(song)
        vocals_N = vocals_in(song)
        length = min(mix_CN.shape[1], len(vocals_N))
        return mix_CN[:, :length] - vocals_N[:length]

    def one(self, song: Song) -> Song:
        """The song with its chords."""
        return song.with_columns(
            chords=[asdict(span) for span in self.recogniser.recognise(self.opened(song))]
        )
