"""Frechet distance between the embedding windows of two sets of songs.

Everything is float64. Statistics are gathered song by song and merge, so parts may come from anywhere. The
root of a product of covariances is taken of the symmetric matrix R_a C_b R_a (R_a the root of C_a), whose
eigenvalues are those of C_a C_b: two eigen-decompositions, one of them once a reference, no complex numbers.
Legend: W windows, D embedding dimension.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eval.intervals import LEVEL, Estimate, jackknife
from eval.metric import Metric

METRICS = (
    Metric(
        name="frechet",
        title="Frechet distance",
        source="Dowson and Landau 1982; over audio: Kilgour et al. 2019, arXiv 1812.08466",
        range="[0, inf)",
        direction="lower",
        unit="",
        protocol="Gaussians fitted to the embedding windows of the system's songs and of reference songs, "
        "which are none of the benchmark's; null below 2 x dimension windows; interval by jackknife "
        "over songs.",
    ),
)
_SPLITS = 20


@dataclass(frozen=True)
class WindowStatistics:
    """Count, mean and scatter (sum of squared deviations) of a set of windows."""

    num_windows: int
    mean_D: np.ndarray
    scatter_DD: np.ndarray

    @property
    def dimension(self) -> int:
        return len(self.mean_D)

    @property
    def covariance_DD(self) -> np.ndarray:
        """Unbiased covariance, as numpy.cov gives it."""
        return self.scatter_DD / (self.num_windows - 1)

    def __add__(self, other: WindowStatistics) -> WindowStatistics:
        """Statistics of both sets together. Source: Chan, Golub and LeVeque 1979."""
        num_windows = self.num_windows + other.num_windows
        if not self.num_windows or not other.num_windows:
            return self if self.num_windows else other
        step_D = other.mean_D - self.mean_D
        share = other.num_windows / num_windows
        return WindowStatistics(
            num_windows,
            self.mean_D + share * step_D,
            self.scatter_DD + other.scatter_DD + self.num_windows * share * np.outer(step_D, step_D),
        )

    def __sub__(self, part: WindowStatistics) -> WindowStatistics:
        """Statistics of the set without `part`, which must be in it and smaller."""
        num_windows = self.num_windows - part.num_windows
        if num_windows < 1:
            raise ValueError(
                f"taking {part.num_windows} of {self.num_windows} windows leaves none to describe"
            )
        mean_D = (self.num_windows * self.mean_D - part.num_windows * part.mean_D) / num_windows
        step_D = part.mean_D - mean_D
        cross_DD = num_windows * part.num_windows / self.num_windows * np.outer(step_D, step_D)
        return WindowStatistics(num_windows, mean_D, self.scatter_DD - part.scatter_DD - cross_DD)


def window_statistics(windows_WD: np.ndarray) -> WindowStatistics:
    """Statistics of the windows of one song.

    Raises:
        ValueError: not a matrix of windows, or a number in it is not finite.
    """
    windows_WD = np.asarray(windows_WD, dtype=np.float64)
    if windows_WD.ndim != 2 or 0 in windows_WD.shape:
        raise ValueError(
            f"windows are {windows_WD.shape}: expected [windows, dimension], at least one window"
        )
    if not np.isfinite(windows_WD).all():
        raise ValueError("an embedding window holds a number that is not finite: the song cannot be compared")
    mean_D = windows_WD.mean(axis=0)
    deviations_WD = windows_WD - mean_D
    return WindowStatistics(len(windows_WD), mean_D, deviations_WD.T @ deviations_WD)


def merged(parts: Iterable[WindowStatistics]) -> WindowStatistics:
    """Statistics of all parts together; raises ValueError without parts."""
    whole: WindowStatistics | None = None
    for part in parts:
        whole = part if whole is None else whole + part
    if whole is None:
        raise ValueError("there is no part to merge: give the statistics of at least one song")
    return whole


@dataclass(frozen=True)
class FrechetReference:
    """A reference set whose root is taken once, for many distances to it."""

    statistics: WindowStatistics

    @cached_property
    def root_DD(self) -> np.ndarray:
        values_D, vectors_DD = np.linalg.eigh(self.statistics.covariance_DD)
        return (vectors_DD * np.sqrt(np.clip(values_D, 0, None))) @ vectors_DD.T

    def distance(self, statistics: WindowStatistics) -> float:
        """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2), at least 0."""
        covariance_DD = statistics.covariance_DD
        product_DD = self.root_DD @ covariance_DD @ self.root_DD
        eigenvalues_D = np.linalg.eigvalsh((product_DD + product_DD.T) / 2)
        root_trace = np.sqrt(np.clip(eigenvalues_D, 0, None)).sum()
        step_D = self.statistics.mean_D - statistics.mean_D
        traces = np.trace(self.statistics.covariance_DD) + np.trace(covariance_DD)
        return max(0.0, float(step_D @ step_D + traces - 2 * root_trace))


def frechet_distance(left: WindowStatistics, right: WindowStatistics) -> float:
    """The distance of two sets that are large enough; `frechet` refuses those that are not."""
    return FrechetReference(left).distance(right)


def frechet(reference: FrechetReference, songs: Sequence[WindowStatistics | None]) -> Estimate:
    """Distance of the songs' windows to the reference, with a jackknife interval over songs.

    None is a failed song. The value is None with the reason where either side has fewer than 2 x D windows,
    and so is the interval where a jackknife part would.
    """
    scored = [song for song in songs if song is not None]
    n_failed = len(songs) - len(scored)
    reason = _too_few(reference.statistics, "the reference") or _too_few_songs(scored)
    if reason:
        return Estimate(None, None, None, len(scored), n_failed, method="jackknife", reason=reason)
    whole = merged(scored)
    value = reference.distance(whole)
    reason = _too_few_without_one(scored)
    if reason:
        return Estimate(value, None, None, len(scored), n_failed, method="jackknife", reason=reason)
    without = [reference.distance(whole - song) for song in scored]
    estimate = jackknife(value, without, n_failed)
    if estimate.low is None:
        return estimate
    return Estimate(value, max(0.0, estimate.low), estimate.high, len(scored), n_failed, method="jackknife")


def frechet_difference(
    reference: FrechetReference,
    songs: Sequence[WindowStatistics | None],
    others: Sequence[WindowStatistics | None],
) -> Estimate:
    """Distance of `songs` minus distance of `others` over the songs both have; jackknife over the pairs."""
    pairs, reason = _both(reference, songs, others)
    n_failed = len(songs) - len(pairs)
    if reason:
        return Estimate(None, None, None, len(pairs), n_failed, method="jackknife", reason=reason)
    value, without_N = _differences(reference, pairs)
    return jackknife(value, without_N, n_failed)


def frechet_difference_of_songs(
    reference: FrechetReference,
    songs: Sequence[WindowStatistics | None],
    others: Sequence[WindowStatistics | None],
) -> np.ndarray:
    """What each song adds to `frechet_difference`, as the jackknife's pseudo-values; empty where it has none.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), eq. 11.17.
    """
    pairs, reason = _both(reference, songs, others)
    if reason:
        return np.empty(0)
    value, without_N = _differences(reference, pairs)
    return len(pairs) * value - (len(pairs) - 1) * without_N


def frechet_floor(true_songs: Sequence[WindowStatistics], seed: int) -> Estimate:
    """What two disjoint halves of true songs are apart: the distance that a perfect system would still have.

    The mean over 20 seeded ways to halve them; low and high are the 2.5 and 97.5 percentiles of those ways.
    """
    generator = np.random.default_rng(seed)
    half = len(true_songs) // 2
    distances: list[float] = []
    for _ in range(_SPLITS):
        order = generator.permutation(len(true_songs))
        halves = [[true_songs[i] for i in part] for part in (order[:half], order[half : 2 * half])]
        reason = _too_few_songs(halves[0]) or _too_few_songs(halves[1])
        if reason:
            return Estimate(None, None, None, half, 0, method="random halves", reason=reason)
        distances.append(frechet_distance(merged(halves[0]), merged(halves[1])))
    low, high = np.quantile(distances, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(np.mean(distances)), float(low), float(high), half, 0, method="random halves")


_Pairs = list[tuple[WindowStatistics, WindowStatistics]]


def _both(
    reference: FrechetReference,
    songs: Sequence[WindowStatistics | None],
    others: Sequence[WindowStatistics | None],
) -> tuple[_Pairs, str]:
    """The songs that both have, and why they are too few to compare, or nothing."""
    if len(songs) != len(others):
        raise ValueError(
            f"{len(songs)} songs against {len(others)}: position i must be the same song in both"
        )
    pairs = [
        (song, other)
        for song, other in zip(songs, others, strict=True)
        if song is not None and other is not None
    ]
    reason = _too_few(reference.statistics, "the reference")
    reason = reason or _too_few_without_one([song for song, _ in pairs])
    return pairs, reason or _too_few_without_one([other for _, other in pairs])


def _differences(reference: FrechetReference, pairs: _Pairs) -> tuple[float, np.ndarray]:
    """The difference of the distances of both sides, and what it is without each pair in turn."""
    left, right = merged(song for song, _ in pairs), merged(other for _, other in pairs)
    value = reference.distance(left) - reference.distance(right)
    without = [reference.distance(left - a) - reference.distance(right - b) for a, b in pairs]
    return value, np.array(without)


def _too_few(statistics: WindowStatistics, who: str) -> str:
    needed = 2 * statistics.dimension
    if statistics.num_windows >= needed:
        return ""
    return f"{who}: {statistics.num_windows} windows, fewer than 2 x dimension = {needed}"


def _too_few_songs(songs: Sequence[WindowStatistics]) -> str:
    return _too_few(merged(songs), "the songs") if songs else "no song has windows"


def _too_few_without_one(songs: Sequence[WindowStatistics]) -> str:
    """Why the jackknife cannot leave out each song in turn, or nothing."""
    if len(songs) < 2:
        return _too_few_songs(songs) or "one song gives no interval"
    left = sum(song.num_windows for song in songs) - max(song.num_windows for song in songs)
    needed = 2 * songs[0].dimension
    return (
        f"leaving a song out leaves {left} windows, fewer than {needed}: no interval" if left < needed else ""
    )
