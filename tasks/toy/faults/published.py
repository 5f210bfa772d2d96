"""A song as it is given away: its sound, the lyrics and the caption that come with it, and what is true of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from jam_model.words import Word
from tasks.toy.world_two.performance import Song
from tasks.toy.world_two.truth import Fault, Truth


@dataclass(frozen=True)
class Published:
    """vocals_N and band_CN: float32 at 44.1 kHz. lines: of words with the times they are said to have."""

    vocals_N: np.ndarray
    band_CN: np.ndarray
    lines: tuple[tuple[Word, ...], ...]
    style_text: str
    truth: Truth

    def with_fault(self, kind: str, start_s: float, end_s: float, detail: str) -> Published:
        """The same, and its truth knows of a fault."""
        fault = Fault(kind, start_s, end_s, detail)
        truth = dataclasses.replace(self.truth, faults=(*self.truth.faults, fault))
        return dataclasses.replace(self, truth=truth)


def published(song: Song) -> Published:
    """The song with its own words at their true times, and its own caption."""
    lines = tuple(
        tuple(
            Word(word.text, word.start_s, word.end_s)
            for word in song.truth.words[line.first_word : line.end_word]
        )
        for line in song.truth.lines
        if line.in_lyrics
    )
    return Published(song.vocals_N, song.band_CN, lines, song.truth.style, song.truth)
