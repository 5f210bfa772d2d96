"""Frechet distance between embedding windows of two sets of songs (`WindowStatistics`: mean, covariance, scatter), by eigenvalues of their product.

Everything is float64. Statistics are gathered song by song and merge, so parts may come from anywhere. The
root of a product of covariances is taken of the symmetric matrix L' C_b L (C_a = L L'), whose eigenvalues are
those of C_a C_b: one Cholesky factor a reference, eigenvalues alone for a distance, no complex numbers.
A set of fewer windows than dimensions, such as one song, needs only a matrix of its windows: with its centred
windows X the other eigenvalues of C_a C_b are 0, and those of X C_a X' / (W - 1) the rest.
Legend: W windows, D embedding dimension.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


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
    windows_WD = _checked(windows_WD)
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
    """A reference set that is factored once, for many distances to it."""

    statistics: WindowStatistics

    @cached_property
    def factor_DD(self) -> np.ndarray:
        """L with C = L L'; by eigenvectors where the covariance is singular."""
        try:
            return np.linalg.cholesky(self.statistics.covariance_DD)
        except np.linalg.LinAlgError:
            values_D, vectors_DD = np.linalg.eigh(self.statistics.covariance_DD)
            return vectors_DD * np.sqrt(np.clip(values_D, 0, None))

    def distance(self, statistics: WindowStatistics) -> float:
        """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2), at least 0; `eval.metrics.fad` refuses sets that are too small."""
        return float(self.distances(statistics.mean_D, statistics.covariance_DD))

    def distances(self, mean_D: np.ndarray, covariance_DD: np.ndarray) -> np.ndarray:
        """The distances to sets with these means [..., D] and covariances [..., D, D]."""
        product_DD = self.factor_DD.T @ covariance_DD @ self.factor_DD
        return self._distances(mean_D, covariance_DD.trace(axis1=-2, axis2=-1), product_DD)

    def distance_of_windows(self, windows_WD: np.ndarray) -> float:
        """The distance to a few windows, such as those of one song; of a single one to its point.

        Raises:
            ValueError: as `window_statistics`.
        """
        if len(windows_WD) > self.statistics.dimension:
            return self.distance(window_statistics(windows_WD))
        windows_WD = _checked(windows_WD)
        mean_D = windows_WD.mean(axis=0)
        deviations_WD = (windows_WD - mean_D) / np.sqrt(max(len(windows_WD) - 1, 1))
        product_WW = deviations_WD @ self.statistics.covariance_DD @ deviations_WD.T
        return float(self._distances(mean_D, (deviations_WD**2).sum(), product_WW))

    def _distances(self, mean_D: np.ndarray, trace: np.ndarray, product: np.ndarray) -> np.ndarray:
        """`product` is symmetric up to rounding, and its eigenvalues other than 0 are those of C_a C_b."""
        eigenvalues = np.linalg.eigvalsh((product + product.swapaxes(-1, -2)) / 2)
        root_trace = np.sqrt(np.clip(eigenvalues, 0, None)).sum(axis=-1)
        step = ((self.statistics.mean_D - mean_D) ** 2).sum(axis=-1)
        return np.maximum(0.0, step + np.trace(self.statistics.covariance_DD) + trace - 2 * root_trace)


def _checked(windows_WD: np.ndarray) -> np.ndarray:
    windows_WD = np.asarray(windows_WD, dtype=np.float64)
    if windows_WD.ndim != 2 or 0 in windows_WD.shape:
        raise ValueError(
            f"windows are {windows_WD.shape}: expected [windows, dimension], at least one window"
        )
    if not np.isfinite(windows_WD).all():
        raise ValueError("an embedding window holds a number that is not finite: the song cannot be compared")
    return windows_WD
