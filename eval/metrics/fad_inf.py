"""FAD-inf, the distance that endlessly many songs would have: extrapolated, so that few songs are not further away for being few.

Legend: P points, one a drawn set of songs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.metrics.fad import NO_REFERENCE, too_few_songs, too_few_windows, windows_of
from eval.metrics.frechet import FrechetReference, WindowStatistics, merged
from eval.metrics.metric import CorpusMetric
from eval.stats.intervals import Estimate, unresolved

_SIZES = 8
_ORDERS = 5


def fad_inf(reference: FrechetReference, songs: Sequence[WindowStatistics | None], seed: int) -> Estimate:
    """The distance that endlessly many songs would have: a line through 1 / windows, read off at 0.

    Each of a few seeded orders of the songs is cut at several sizes. An extrapolation, so without an interval.
    Source: Chong and Forsyth 2020; for music Gui et al. 2023, arXiv 2311.01616.
    """
    scored = [song for song in songs if song is not None]
    n_failed = len(songs) - len(scored)
    least = next(
        (k for k in range(1, len(scored) + 1) if not too_few_windows(merged(scored[:k]), "the songs")),
        len(scored),
    )
    sizes = np.unique(np.linspace(max(2, least), len(scored), _SIZES).round().astype(int))
    reason = too_few_windows(reference.statistics, "the reference") or too_few_songs(scored)
    if not reason and len(sizes) < 3:
        reason = "too few songs for three sizes of 2 x dimension windows"
    if reason:
        return unresolved(None, len(scored), n_failed, "extrapolation", reason)
    generator = np.random.default_rng(seed)
    points = []
    for _ in range(_ORDERS):
        order = generator.permutation(len(scored))
        for size in sizes:
            part = merged(scored[i] for i in order[:size])
            points.append((1 / part.num_windows, reference.distance(part)))
    inverse_P, distances_P = np.array(points).T
    value = float(np.polynomial.Polynomial.fit(inverse_P, distances_P, 1)(0.0))
    return unresolved(value, len(scored), n_failed, "extrapolation", "an extrapolation has no interval here")


FAD_INF = CorpusMetric(
    name="fad_inf",
    title="FAD-inf",
    source="Gui et al. 2023, arXiv 2311.01616",
    range="(-inf, inf)",
    direction="lower",
    unit="",
    protocol="FAD against 1 / windows over drawn sets of the songs, a line through it read off "
    "at 0: what is left of the distance when its bias for few songs is taken away.",
    measure=windows_of,
    columns=("window_embedding",),
    embedded_by="style",
    estimate=lambda songs, corpus: (
        fad_inf(corpus.reference, songs, corpus.resampling.seed) if corpus.reference else NO_REFERENCE
    ),
    in_common=True,
)
