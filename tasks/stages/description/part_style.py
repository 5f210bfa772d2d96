"""Part styles: what each part of a song sounds like, as embeddings that a model may be conditioned on frame by frame.

Rows of `style_embedding` are crops of the whole song, one of which training draws; a part's style is that of its own seconds.
Only where `pack.extras` asks for ``part_styles``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.part_styles.parts import MAX_LABEL, MAX_PARTS, PART_STYLES, PARTS, Part, part_rows, tiled
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.style_encoder import StyleParams, build_style_encoder
from tasks.songs.columns import PART, STYLE
from tasks.stages.bases import MixStage

SHORTEST_S = 2.0
"""A section, or a stretch between sections, that is shorter is heard with the part before it."""


class PartStyle(MixStage):
    """Asks the style encoder for the seconds of each part. A song that nobody knows sections of is one part."""

    name = "part_style"
    version = 1
    reads = MixStage.reads | {"sections"}
    params: StyleParams
    encoder = Model(build_style_encoder)
    writes = {
        PART_STYLES: Column(
            STYLE, "[K, 512], one row a part of norm 1: the mean of the style of its seconds"
        ),
        PARTS: Column(
            pa.list_(PART),
            "the parts without time between them: label as in `sections`, empty between sections; style: the part's row in `part_styles`",
        ),
    }

    def one(self, song: Song) -> Song:
        """The song with the styles of its parts."""
        mix_CN = self.opened(song)
        parts = parts_of_sections(song["sections"] or (), mix_CN.shape[1] / SAMPLE_RATE_HZ)
        styles_KS = [self._style(mix_CN, part) for part in parts]
        return song.with_columns(**{PART_STYLES: np.stack(styles_KS).tolist(), PARTS: part_rows(parts)})

    def _style(self, mix_CN: np.ndarray, part: Part) -> np.ndarray:
        first, end = (round(time_s * SAMPLE_RATE_HZ) for time_s in (part.start_s, part.end_s))
        mean_S = np.asarray(self.encoder.embed_audio(mix_CN[:, first:end]), np.float32).mean(axis=0)
        return mean_S / max(float(np.linalg.norm(mean_S)), 1e-9)


def parts_of_sections(sections: Sequence[Mapping[str, Any]], duration_s: float) -> tuple[Part, ...]:
    """The parts of a song of this length, each with a style of its own: its sections and the stretches between them.

    What is shorter than `SHORTEST_S` belongs to the part before it, at the song's start to the one after.
    """
    rows = [
        (row["label"], row["start_s"], min(row["end_s"], duration_s))
        for row in sorted(sections, key=lambda row: row["start_s"])
    ]
    bounds: list[tuple[str, float, float]] = []
    at_s = 0.0
    for label, start_s, end_s in [*rows, ("", duration_s, duration_s)]:
        start_s = max(start_s, at_s)
        if start_s - at_s >= SHORTEST_S:
            bounds.append(("", at_s, start_s))
        if end_s - start_s >= SHORTEST_S:
            bounds.append((label[:MAX_LABEL], start_s, end_s))
        at_s = max(at_s, end_s)
    bounds = bounds[:MAX_PARTS] or [("", 0.0, duration_s)]
    return tiled([Part(*bound, number) for number, bound in enumerate(bounds)], duration_s)
