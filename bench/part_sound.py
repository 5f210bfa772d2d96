"""What a part sounds like, for bench/part_styles.py: attributes of world two's parts, read from sound by no style encoder.

Of a part's seconds: energies of bands of the middle and the side signal; how alike the onsets of low, middle and high bands are
to themselves after quarters of beats up to a bar; and where in a bar they fall, by the song's own beats. A ridge regression learns from
these what songs to train on have, as the codec gives them back, and reads it from others.

Shapes: N samples, F short frames, B bands, P parts, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.toy.world_two.truth import Part, PartStyle, Truth

ATTRIBUTES: dict[str, Callable[[PartStyle], Any]] = {
    "snare on": lambda style: style.snare >= 0,
    "chords a bar": lambda style: style.strikes_per_bar,
    "lowest chord note": lambda style: style.register_midi,
    "side share": lambda style: style.side_share,
}
EDGES_HZ = (0, 150, 300, 600, 1200, 2500, 5000, 10_000, 22_050)
GROUPS = ((0, 2), (2, 5), (5, 8))
LAGS_BEATS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
SIZE, HOP = 2048, 512
BAR_BINS = 8
RIDGE = 30.0
FLOOR = 1e-8


def part_features(mix_CN: np.ndarray, part: Part, truth: Truth) -> np.ndarray:
    """What of the sound of a part is read, [D]."""
    first, end = (round(time_s * SAMPLE_RATE_HZ) for time_s in (part.start_s, part.end_s))
    left_N, right_N = mix_CN[:, first:end].astype(np.float64)
    mid_FB, side_FB = (
        band_energies(signal_N) for signal_N in ((left_N + right_N) / 2, (left_N - right_N) / 2)
    )
    mid_B, side_B = mid_FB.mean(axis=0) + FLOOR, side_FB.mean(axis=0) + FLOOR
    levels = [np.log(mid_B / mid_B.sum()), np.log(side_B / mid_B.sum())]
    flux_FB = np.maximum(np.diff(np.log(mid_FB + FLOOR), axis=0, prepend=np.log(mid_FB[:1] + FLOOR)), 0)
    times_s_F = part.start_s + (np.arange(len(flux_FB)) * HOP + SIZE / 2) / SAMPLE_RATE_HZ
    beat_s, movement = 60 / truth.tempo_bpm, []
    for low, high in GROUPS:
        flux_F = flux_FB[:, low:high].mean(axis=1)
        movement += [_alike(flux_F, round(lag * beat_s * SAMPLE_RATE_HZ / HOP)) for lag in LAGS_BEATS]
        movement += [*_in_the_bar(flux_F, times_s_F, truth)]
    return np.concatenate([*levels, movement])


def band_energies(signal_N: np.ndarray) -> np.ndarray:
    """Energy of each band in frames of 46 ms every 12 ms, [F, B]."""
    padded_N = np.pad(signal_N, (0, max(0, SIZE - len(signal_N))))
    frames_FN = np.lib.stride_tricks.sliding_window_view(padded_N, SIZE)[::HOP] * np.hanning(SIZE)
    power_FK = np.square(np.abs(np.fft.rfft(frames_FN, axis=1)))
    bounds = [round(edge * SIZE / SAMPLE_RATE_HZ) for edge in EDGES_HZ]
    return np.stack([power_FK[:, low:high].sum(axis=1) for low, high in pairwise(bounds)], 1)


def _alike(flux_F: np.ndarray, lag: int) -> float:
    """The correlation of onsets with themselves `lag` frames later; 0 where the part is shorter."""
    if lag + 2 >= len(flux_F):
        return 0.0
    centred_F = flux_F - flux_F.mean()
    return float((centred_F[lag:] * centred_F[:-lag]).sum() / (np.square(centred_F).sum() + FLOOR))


def _in_the_bar(flux_F: np.ndarray, times_s_F: np.ndarray, truth: Truth) -> np.ndarray:
    """Onsets by their place in the bar, over their mean."""
    beats_s = np.array([beat.time_s for beat in truth.beats])
    places = np.array([beat.position - 1 for beat in truth.beats])
    beat_s = 60 / truth.tempo_bpm
    numbers_F = np.clip(np.searchsorted(beats_s, times_s_F, side="right") - 1, 0, len(beats_s) - 1)
    in_bar_F = (places[numbers_F] + (times_s_F - beats_s[numbers_F]) / beat_s) / truth.beats_per_bar
    bins_F = np.floor((in_bar_F % 1.0) * BAR_BINS).astype(int)
    sums = np.bincount(bins_F, flux_F, BAR_BINS) / np.maximum(np.bincount(bins_F, minlength=BAR_BINS), 1)
    return np.asarray(sums / (flux_F.mean() + FLOOR))


@dataclass(frozen=True)
class Reader:
    """A ridge regression to each value of one attribute."""

    values: np.ndarray
    mean_D: np.ndarray
    std_D: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, features_PD: np.ndarray, values: Sequence[Any]) -> Reader:
        """Learned from parts whose value is known."""
        classes, labels = np.unique(np.asarray(values), return_inverse=True)
        mean_D, std_D = features_PD.mean(axis=0), features_PD.std(axis=0) + 1e-6
        inputs = _with_one((features_PD - mean_D) / std_D)
        one_hot = np.eye(len(classes))[labels]
        gram = inputs.T @ inputs + RIDGE * np.eye(inputs.shape[1])
        return cls(classes, mean_D, std_D, np.linalg.solve(gram, inputs.T @ one_hot))

    def read(self, features_PD: np.ndarray) -> np.ndarray:
        """The value of each part, [P]."""
        inputs = _with_one((features_PD - self.mean_D) / self.std_D)
        return np.asarray(self.values[(inputs @ self.weights).argmax(axis=1)])


def _with_one(features_PD: np.ndarray) -> np.ndarray:
    return np.concatenate([features_PD, np.ones((len(features_PD), 1))], axis=1)
