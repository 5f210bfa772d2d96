"""Part caption: what each part of a song is like in words, by the writer of song captions. Only where `caption.by_part` asks for it.

A part's own text is what stands behind the colon of its label (``[Verse: soft piano]``, Muse's desc). Facts are heard in its seconds
alone, and so is its style; a second caption is asked for by the limit of songs, and both stay with their similarities.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.lyrics.part_labels import name_and_text
from tasks.models.description.captioner import CaptionParams
from tasks.models.description.describer import NEVER, DescribeParams, build_describer
from tasks.models.style_encoder import StyleParams
from tasks.stages.bases import MixStage, mix_in
from tasks.stages.description.caption import CAPTION, Caption

SHORTEST_S = 2.0
"""A section that is shorter is too little to describe."""


class PartCaption(Caption):
    """Takes the text that a part's label states, measures it, and asks the writer where there is none or it is not like the part."""

    name = "part_caption"
    version = 2
    reads = MixStage.reads | {"sections"}
    packages = (*MixStage.packages, "pyloudnorm")
    describer = Model(build_describer)
    writes = {
        "part_captions": Column(
            pa.list_(
                pa.struct(
                    [
                        ("label", pa.string()),
                        ("start_s", pa.float64()),
                        ("end_s", pa.float64()),
                        ("captions", pa.list_(CAPTION)),
                        ("caption", pa.string()),
                    ]
                )
            ),
            "the song's `sections` of two seconds and more with `captions` and `caption` as songs have them, by the seconds of the part; "
            "source `file`: behind the colon of its label; null = the song has no sections",
        )
    }

    def __init__(self, params: CaptionParams, style: StyleParams, describe: DescribeParams) -> None:
        MixStage.__init__(self, params, params, style, describe)
        self.describe = describe

    def open(self, song: Song) -> np.ndarray | None:
        """The mix, where the song has sections."""
        if not song["sections"]:
            return None
        return mix_in(song)

    def one(self, song: Song) -> Song:
        """The song with the captions of its parts."""
        mix_CN = self.opened(song)
        if mix_CN is None:
            return song.with_columns(part_captions=None)
        rows = [self._row(section, mix_CN) for section in song["sections"]]
        return song.with_columns(part_captions=[row for row in rows if row])

    def _row(self, section: dict[str, Any], mix_CN: np.ndarray) -> dict[str, Any] | None:
        first, end = (round(section[name] * SAMPLE_RATE_HZ) for name in ("start_s", "end_s"))
        part_CN = mix_CN[:, first:end]
        if part_CN.shape[1] < SHORTEST_S * SAMPLE_RATE_HZ:
            return None
        named = name_and_text(section["text"] or "")
        style_NS = np.asarray(self.encoder.embed_audio(part_CN), np.float32)
        sent_CN = part_CN if self.params.sends_audio else None
        captions = self.captions(named and named[1], self._facts(part_CN), sent_CN, style_NS)
        return {
            **{name: section[name] for name in ("label", "start_s", "end_s")},
            "captions": [one.row() for one in captions],
            "caption": self.chosen(captions),
        }

    def _facts(self, part_CN: np.ndarray) -> list[dict[str, Any]]:
        if self.describe.when == NEVER:
            return []
        facts = self.describer.facts(part_CN, {})
        return [asdict(fact.held(self.describe.min_certainty)) for fact in facts]
