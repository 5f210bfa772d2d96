"""Place: lays the words that were heard into the vocals they were heard in, to say when each was sung.

The aligner is given the transcript alone: neither the asked words nor their times. So a word in the wrong place
is found there, and a word that was not heard is not laid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from jam_model.words import Word, rows_of
from tasks.engine.columns import Column
from tasks.engine.song import Refused, Song
from tasks.engine.stage import Model
from tasks.models.aligner import aligner_identity, build_aligner
from tasks.models.phonemizer import build_phonemizer, phonemizer_identity
from tasks.songs.columns import WORD
from tasks.stages.bases import VocalsStage


class Place(VocalsStage):
    """Times of the heard words; null where nothing was heard, or the words cannot be laid: it drops no song."""

    name = "place"
    version = 1
    reads = VocalsStage.reads | {"transcript"}
    packages = (*VocalsStage.packages, "phonemizer", "espeakng-loader")
    aligner = Model(aligner_identity, build_aligner)
    phonemizer = Model(phonemizer_identity, build_phonemizer)
    writes = {
        "placed_words": Column(
            pa.list_(WORD),
            "the heard words where the aligner lays them; null = none, or they cannot be laid",
        )
    }

    def one(self, song: Song) -> Song:
        """The song with its heard words where they were sung."""
        placed = self._placed(self.opened(song), song["transcript"] or [])
        return song.with_columns(placed_words=None if placed is None else rows_of(placed))

    def _placed(self, vocals_N: np.ndarray, heard: Sequence[str]) -> list[Word] | None:
        """Words without a phoneme cannot be listened for and are left out."""
        said = zip(heard, self.phonemizer.phonemize(heard), strict=True)
        sayable = [(word, one.phonemes) for word, one in said if one.phonemes]
        if not sayable:
            return None
        try:
            return self.aligner.align(vocals_N, sayable)
        except Refused:
            return None
