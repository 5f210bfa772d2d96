"""Who says where the parts of a song are (`SectionsParams`): nobody, the labels of lyrics and files, the embedded one by novelty, or SongFormer.

`sections.model: none` asks nobody, and there is no stage; `labels` takes what the lyrics and files
say and hears nothing; `embedded` and `songformer` hear those songs whose files say nothing.

Shapes: N samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from tasks.models.base import EMBEDDED, ModelChoice, RealModel
from tasks.models.embedded.novelty import heard_parts

NONE, LABELS = "none", "labels"
EMBEDDED_IDENTITY = "embedded/novelty-segments@1"


class SongFormerModel(RealModel):
    """SongFormer, and the MusicFM and MuQ that hear for it, 30 s and 420 s at a time."""

    musicfm_weights: str
    musicfm_revision: str | None
    muq_weights: str
    muq_revision: str | None
    batch_size: Literal[1]


class SectionsParams(ModelChoice):
    """`model`: who says where parts are."""

    section: ClassVar = "sections"
    embedded: ClassVar = {NONE: NONE, LABELS: LABELS, EMBEDDED: EMBEDDED_IDENTITY}
    real: ClassVar = {"songformer": "tasks.models.real.songformer.segmenter"}

    songformer: SongFormerModel

    @property
    def hears(self) -> bool:
        """Whether somebody listens to songs whose files say nothing."""
        return self.model not in (NONE, LABELS)


@dataclass(frozen=True)
class Span:
    """A part that was heard: its label of `SECTION_LABELS` and its seconds."""

    label: str
    start_s: float
    end_s: float


class Segmenter(Protocol):
    """Hears the parts of a song."""

    identity: str

    def segment(self, mix_CN: np.ndarray) -> tuple[Span, ...]:
        """The parts of a mix [2, N] at 44.1 kHz, one behind the other from 0 to its end."""


class NoSegmenter:
    """Hears nothing: `sections.model: labels`."""

    identity = LABELS

    def segment(self, mix_CN: np.ndarray) -> tuple[Span, ...]:
        """See `Segmenter.segment`."""
        return ()


class NoveltySegmenter:
    """Cuts by how alike beats sound; labels by length and repetition, a guess."""

    identity = EMBEDDED_IDENTITY

    def segment(self, mix_CN: np.ndarray) -> tuple[Span, ...]:
        """See `Segmenter.segment`."""
        return tuple(Span(*part) for part in heard_parts(mix_CN))


def build_segmenter(params: SectionsParams) -> Segmenter:
    """The segmenter that `params` choose.

    Raises:
        ValueError: they choose none.
    """
    if params.model == NONE:
        raise ValueError(
            "sections.model is none, which says nothing of parts; choose labels, embedded or songformer"
        )
    if params.model == LABELS:
        return NoSegmenter()
    if params.settings is None:
        return NoveltySegmenter()
    segmenter: Segmenter = params.build_real()
    return segmenter
