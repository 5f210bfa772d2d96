"""The Frechet distance beside the usual way, the root of a product of covariances by scipy's fp64 sqrtm.

python bench/frechet.py [--dimension 2048] [--repeats 1]

Two ways of ours: with the reference's root taken anew, as for one distance, and with a root that is there already, as
for every distance after the first. Windows are drawn from Gaussians with eigenvalues that fall as 1 / rank.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy.linalg import sqrtm

from bench.measuring import interleaved, machine, summary, write_result
from eval.metrics.frechet import FrechetReference, WindowStatistics, window_statistics


def by_sqrtm(left: WindowStatistics, right: WindowStatistics) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2), as the reference implementations have it."""
    step_D = left.mean_D - right.mean_D
    root_DD = sqrtm(left.covariance_DD @ right.covariance_DD).real
    traces = np.trace(left.covariance_DD) + np.trace(right.covariance_DD)
    return float(step_D @ step_D + traces - 2 * np.trace(root_DD))


def windows(dimension: int, seed: int) -> WindowStatistics:
    """2.5 x dimension windows of a Gaussian whose directions are mixed."""
    generator = np.random.default_rng(seed)
    mixing_DD, _ = np.linalg.qr(generator.normal(size=(dimension, dimension)))
    scales_D = 1 / np.sqrt(1 + np.arange(dimension))
    drawn_WD = generator.normal(size=(5 * dimension // 2, dimension)) * scales_D
    return window_statistics(drawn_WD @ mixing_DD + generator.normal(0, 0.1, dimension))


def main() -> None:
    """Times all ways in turns and says how far apart their values are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dimension", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    left, right = windows(given.dimension, 1), windows(given.dimension, 2)
    reference = FrechetReference(left)
    theirs, ours = by_sqrtm(left, right), reference.distance(right)
    seconds = interleaved(
        {
            "sqrtm": lambda: by_sqrtm(left, right),
            "ours": lambda: FrechetReference(left).distance(right),
            "ours_again": lambda: reference.distance(right),
        },
        given.repeats,
    )
    write_result(
        f"frechet_{given.dimension}",
        {
            "dimension": given.dimension,
            "repeats": given.repeats,
            "machine": machine("numpy", "scipy"),
            "one_distance": summary(seconds, "sqrtm", "ours"),
            "every_further_one": summary(seconds, "sqrtm", "ours_again"),
            "value_sqrtm": theirs,
            "value_ours": ours,
            "relative_difference": abs(ours - theirs) / theirs,
        },
    )


if __name__ == "__main__":
    main()
