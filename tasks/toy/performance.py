"""Performs a score of world one in process: voice and band together, at levels that do not clip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jam_model.words import Word
from tasks.toy.band import play_band
from tasks.toy.composition import Score
from tasks.toy.sound.levels import within_peak
from tasks.toy.voice import TimedPhone, sing


class Performance(NamedTuple):
    """A performed score. The mix is exactly vocals (in both channels) plus band; no peak exceeds 0.89."""

    vocals_N: np.ndarray
    band_CN: np.ndarray
    words: list[Word]
    phones: list[TimedPhone]

    @property
    def mix_CN(self) -> np.ndarray:
        """The song, float32 [2, N] at 44.1 kHz."""
        return self.vocals_N + self.band_CN


def perform(score: Score) -> Performance:
    """Sing and play the score; both stems are turned down together where the mix would exceed the peak."""
    take = sing(score)
    band_CN = play_band(score)
    vocals_N, band_CN = within_peak(take.vocals_N, band_CN)
    return Performance(vocals_N, band_CN, take.words, take.phones)
