"""Performs a score of world two in process: voices and band together, at levels that do not clip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.toy.sound.levels import within_peak
from tasks.toy.world_two.band import play_band
from tasks.toy.world_two.score import Score
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth
from tasks.toy.world_two.voice import sing_truth


class Song(NamedTuple):
    """A performed score, float32 at 44.1 kHz. The mix is exactly vocals (in both channels) plus band."""

    vocals_N: np.ndarray
    band_CN: np.ndarray
    truth: Truth

    @property
    def mix_CN(self) -> np.ndarray:
        """The song, [2, N]."""
        return self.vocals_N + self.band_CN


def perform(score: Score) -> Song:
    """Sing and play the score."""
    truth = truth_of(score)
    vocals_N, band_CN = within_peak(sing_truth(score, truth), play_band(score))
    return Song(vocals_N, band_CN, truth)
