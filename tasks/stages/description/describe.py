"""Describe: facts of a song, each with its source and its certainty. Only where it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.audio.read import array_of, read_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.description.describer import DescribeParams, build_describer
from tasks.stages.bases import MixStage

FACT = pa.struct(
    [
        ("name", pa.string()),
        ("text", pa.string()),
        ("number", pa.float64()),
        ("source", pa.string()),
        ("certainty", pa.float64()),
    ]
)
MAY_READ = ("beats_s", "downbeats_s", "chords", "melody", "stems")
"""Columns that are read where a stage before writes them."""


class Describe(MixStage):
    """Takes facts from columns that stand, and hears the others."""

    name = "describe"
    version = 1
    reads = MixStage.reads | {"style_text"}
    packages = (*MixStage.packages, "pyloudnorm")
    params: DescribeParams
    describer = Model(build_describer)
    writes = {
        "facts": Column(
            pa.list_(FACT),
            "facts of the song: name of tempo_bpm, metre (text 3/4, number = beats a bar), key, loudness_range_lu, voice_low, voice_high and "
            "register (number = MIDI), instrument (one each); source; certainty in [0, 1]; text and number null = too unsure",
        )
    }

    def __init__(self, params: DescribeParams, written: Collection[str] = ()) -> None:
        """`written`: columns that stages before it write."""
        super().__init__(params)
        self.reads = Describe.reads | {name for name in MAY_READ if name in written}

    def one(self, song: Song) -> Song:
        """The song with its facts."""
        mix_CN = self.opened(song)
        columns: dict[str, Any] = {
            name: song[name]
            for name in ("beats_s", "downbeats_s", "chords", "style_text")
            if name in self.reads
        }
        if "melody" in self.reads:
            columns["melody"] = array_of(song["melody"])
        if "stems" in self.reads and song["stems"]:
            columns["stems"] = _levels_db(mix_CN, song["stems"])
        facts = [fact.held(self.params.min_certainty) for fact in self.describer.facts(mix_CN, columns)]
        return song.with_columns(facts=[asdict(fact) for fact in facts])


def _levels_db(mix_CN: np.ndarray, stems: list[Mapping[str, Any]]) -> dict[str, float]:
    """The power of each stem against that of the mix, in dB."""
    whole = float(np.square(mix_CN, dtype=np.float64).mean())
    levels = {
        stem["name"]: float(np.square(read_bytes(stem["bytes"])[0], dtype=np.float64).mean())
        for stem in stems
    }
    return {
        name: float(10 * np.log10(max(level, 1e-12) / max(whole, 1e-12))) for name, level in levels.items()
    }
