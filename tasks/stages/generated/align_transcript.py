"""Align transcript: force-aligns the transcribed words with the vocals they were read from, to say when each was sung.

The aligner is given the transcript alone: neither the reference words nor their times. So a word in the wrong place
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
from tasks.models.aligner import build_aligner
from tasks.models.phonemizer import build_phonemizer
from tasks.songs.columns import WORD
from tasks.stages.bases import VocalsStage


class AlignTranscript(VocalsStage):
    """Times of the transcribed words; null where nothing was heard, or the words cannot be laid: it drops no song."""

    name = "align_transcript"
    version = 1
    reads = VocalsStage.reads | {"transcript"}
    packages = (*VocalsStage.packages, "phonemizer", "espeakng-loader")
    aligner = Model(build_aligner)
    phonemizer = Model(build_phonemizer)
    writes = {
        "aligned_transcript": Column(
            pa.list_(WORD),
            "the transcribed words where the aligner places them; null = none, or they cannot be aligned",
        )
    }

    def one(self, song: Song) -> Song:
        """The song with its transcribed words where they were sung."""
        placed = self._placed(self.opened(song), song["transcript"] or [])
        return song.with_columns(aligned_transcript=None if placed is None else rows_of(placed))

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
