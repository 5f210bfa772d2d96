"""Likeness: a distance of ten seconds of a song from toy songs of both worlds, by statistics whitened by their covariance.

Statistics of its spectrum, its sides and its voice, against their mean and covariance over toy songs: the distance of
Mahalanobis to the nearer of the two toy worlds, over the root of the number of statistics, so that toy songs have about 0.6.
It says that a song is unlike, never that a model is right of it.

Shapes: C channels, N samples, F frames, B bands, D statistics.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.base import constants_of
from tasks.models.embedded.song_statistics import analyse

EXCERPT_S = 10.0
RMS = 0.1  # every excerpt is brought to it: how loud a song is says nothing
LEAST_RMS = 1e-4
STEP = 3  # every third band's movement is looked at


def statistics(mix_CN: np.ndarray) -> np.ndarray:
    """What is compared, [D], of the ten seconds in the middle of a mix [2, N] at 44.1 kHz, or of all where it is shorter."""
    length = round(EXCERPT_S * SAMPLE_RATE_HZ)
    first = max(0, (mix_CN.shape[1] - length) // 2)
    excerpt_CN = mix_CN[:, first : first + length]
    rms = float(np.sqrt(np.square(excerpt_CN, dtype=np.float64).mean()))
    analysis = analyse((excerpt_CN * (RMS / max(rms, LEAST_RMS))).astype(np.float32))
    mid_B, side_B = analysis.mid_FB.mean(axis=0), analysis.side_FB.mean(axis=0)
    flatness_F = np.log(analysis.flatness_F + 1e-6)
    moments = [
        moment
        for values_F in (10 * analysis.clarity_F, flatness_F, analysis.onset_F)
        for moment in (values_F.mean(), values_F.std())
    ]
    movement_B = analysis.mid_FB.std(axis=0)[::STEP]
    return np.concatenate([mid_B - mid_B.mean(), side_B - mid_B.mean(), movement_B, moments])


def distance(statistics_D: np.ndarray) -> float:
    """To the nearer toy world."""
    return min(_from(statistics_D, world) for world in _worlds())


def whitening(covariance_DD: np.ndarray) -> np.ndarray:
    """The matrix [D, D] that makes differences of this covariance independent and of variance 1."""
    values_D, vectors_DD = np.linalg.eigh(covariance_DD)
    return vectors_DD / np.sqrt(values_D)


def _from(statistics_D: np.ndarray, world: dict[str, Any]) -> float:
    white_D = (statistics_D - world["mean_D"]) @ world["whiten_DD"]
    return float(np.sqrt(np.square(white_D).mean()))


@cache
def _worlds() -> list[dict[str, Any]]:
    return [
        {key: np.asarray(value) for key, value in world.items()}
        for world in constants_of("likeness")["worlds"]
    ]
