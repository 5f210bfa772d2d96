"""Place: lays the words that were heard into the vocals they were heard in, to say when each was sung.

The aligner is given the transcript alone: neither the asked words nor their times. So a word in the wrong place
is found there, and a word that was not heard is not laid.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from jam_model.words import Word, rows_of
from tasks.audio.read import read_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.models.aligner import (
    Aligner,
    AlignerParams,
    Unalignable,
    aligner_identity,
    build_aligner,
)
from tasks.models.phonemizer import Phonemizer, PhonemizerParams, build_phonemizer, phonemizer_identity


class Place(Stage):
    """Times of the heard words; null where nothing was heard, or the words cannot be laid: it drops no song."""

    name = "place"
    version = 1
    reads = frozenset({"vocals", "transcript", "duration_s"})
    writes = frozenset({"placed_words"})
    packages = ("numpy", "torch", "phonemizer", "espeakng-loader", "soundfile", "soxr")

    def __init__(self, aligner: AlignerParams, phonemizer: PhonemizerParams) -> None:
        super().__init__(aligner)
        self.aligner_params = aligner
        self.phonemizer_params = phonemizer

    @property
    def models(self) -> tuple[str, ...]:
        return aligner_identity(self.aligner_params), phonemizer_identity(self.phonemizer_params)

    @property
    def facts(self) -> dict[str, Any]:
        """The phonemizer's section."""
        return {"phonemizer": self.phonemizer_params.decides()}

    @cached_property
    def aligner(self) -> Aligner:
        """Built once a worker."""
        return build_aligner(self.aligner_params)

    @cached_property
    def phonemizer(self) -> Phonemizer:
        """Built once a worker."""
        return build_phonemizer(self.phonemizer_params)

    def open(self, song: Song) -> np.ndarray:
        """The vocals, float32 [N] at 44.1 kHz."""
        return read_bytes(song["vocals"])[0][0]

    def one(self, song: Song) -> Song:
        """The song with its heard words where they were sung."""
        placed = self._placed(self.opened(song), song["transcript"] or [])
        return song.with_columns(placed_words=None if placed is None else rows_of(placed))

    def _placed(self, vocals_N: np.ndarray, heard: Sequence[str]) -> list[Word] | None:
        """Words without a phoneme cannot be listened for and are left out."""
        said = [pronunciation.phonemes for pronunciation in self.phonemizer.phonemize(heard)] if heard else []
        sayable = [(word, phonemes) for word, phonemes in zip(heard, said, strict=True) if phonemes]
        if not sayable:
            return None
        words, pronunciations = zip(*sayable, strict=True)
        try:
            return self.aligner.align(vocals_N, words, pronunciations)
        except Unalignable:
            return None
