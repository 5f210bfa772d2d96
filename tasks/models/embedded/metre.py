"""How many beats a bar has, 3 or 4: chords change at bars, so that what changes from beat to beat repeats by the bar.

The change of chroma from beat to beat is told apart by its place in bars of 2, 3 and 4 beats; the likelier of them by the F test
of an analysis of variance is the metre (2 counts as 4: a tempo may be heard at half).

Shapes: T latent frames, P pitch classes, Q beats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ

FEWEST_BEATS = 12


@dataclass(frozen=True)
class HeardMetre:
    """Beats a bar, and the certainty in [0.5, 1] that it is not the other of 3 and 4."""

    beats_per_bar: int
    certainty: float


def metre_of(chroma_TP: np.ndarray, beats_s: Sequence[float]) -> HeardMetre | None:
    """The metre of a song by its chroma a latent frame and its beats; None of one with few beats or without any change."""
    change_Q = _changes(chroma_TP, beats_s)
    if len(change_Q) < FEWEST_BEATS or change_Q.std() <= 1e-9:
        return None
    three = _log_chance(change_Q, 3)
    four = min(_log_chance(change_Q, 4), _log_chance(change_Q, 2))
    certainty = 1 / (1 + np.exp(-min(abs(three - four), 50.0)))
    return HeardMetre(3 if three < four else 4, float(certainty))


def _changes(chroma_TP: np.ndarray, beats_s: Sequence[float]) -> np.ndarray:
    """One less the cosine of the mean chroma of each beat with that of the one before."""
    sums = np.vstack([np.zeros((1, chroma_TP.shape[1])), np.cumsum(chroma_TP, axis=0)])
    bounds = np.array(
        [min(max(round(time_s * SAMPLE_RATE_HZ / HOP_SAMPLES), 0), len(chroma_TP)) for time_s in beats_s], int
    )
    if len(bounds) < 3:
        return np.zeros(0)
    means = (sums[bounds[1:]] - sums[bounds[:-1]]) / np.maximum(np.diff(bounds), 1)[:, None]
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    return 1 - (means[1:] * means[:-1]).sum(axis=1)


def _log_chance(change_Q: np.ndarray, beats: int) -> float:
    """Log of the chance that so much of the variance lies between places in a bar of so many beats, were there no bars."""
    import scipy.stats

    place_Q = np.arange(len(change_Q)) % beats
    centred_Q = change_Q - change_Q.mean()
    between = sum((place_Q == k).sum() * centred_Q[place_Q == k].mean() ** 2 for k in range(beats))
    within = max(float((centred_Q**2).sum() - between), 1e-12)
    freedom = len(change_Q) - beats
    return float(scipy.stats.f.logsf((between / (beats - 1)) / (within / freedom), beats - 1, freedom))
