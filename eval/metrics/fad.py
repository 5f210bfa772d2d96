"""FAD, the Frechet distance of a system's embedding windows to those of reference songs: estimates, jackknife, differences, floor, too few windows.

Songs, not windows, are the unit: left out whole, drawn whole, swapped whole. Below 2 x dimension windows there is
no distance, only the reason. Legend: W windows, D embedding dimension, B rows of swaps, N songs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from eval.metrics.frechet import FrechetReference, WindowStatistics, merged, window_statistics
from eval.metrics.metric import Corpus, CorpusMetric, SongMetric, Swaps, Unmeasured
from eval.metrics.song import Song
from eval.stats.intervals import LEVEL, Estimate, jackknife, unresolved

_BLOCK = 1 << 20  # numbers of a stack of covariances: bounds memory
_SPLITS = 20


def fad(reference: FrechetReference, songs: Sequence[WindowStatistics | None]) -> Estimate:
    """Distance of the songs' windows to the reference, with a jackknife interval over songs.

    None is a failed song. The value is None with the reason where either side has fewer than 2 x D windows,
    and so is the interval where a jackknife part would.
    """
    scored = [song for song in songs if song is not None]
    n_failed = len(songs) - len(scored)
    reason = too_few_windows(reference.statistics, "the reference") or too_few_songs(scored)
    if reason:
        return unresolved(None, len(scored), n_failed, "jackknife", reason)
    whole = merged(scored)
    value = reference.distance(whole)
    reason = _too_few_without_one(scored)
    if reason:
        return unresolved(value, len(scored), n_failed, "jackknife", reason)
    without = [reference.distance(whole - song) for song in scored]
    estimate = jackknife(value, without, n_failed)
    return estimate if estimate.low is None else replace(estimate, low=max(0.0, estimate.low))


def fad_difference(
    reference: FrechetReference,
    songs: Sequence[WindowStatistics | None],
    others: Sequence[WindowStatistics | None],
) -> Estimate:
    """Distance of `songs` minus distance of `others` over the songs both have; jackknife over the pairs."""
    pairs, reason = _both(reference, songs, others)
    n_failed = len(songs) - len(pairs)
    if reason:
        return unresolved(None, len(pairs), n_failed, "jackknife", reason)
    value, without_N = _differences(reference, pairs)
    return jackknife(value, without_N, n_failed)


def fad_difference_of_songs(
    reference: FrechetReference,
    songs: Sequence[WindowStatistics | None],
    others: Sequence[WindowStatistics | None],
) -> np.ndarray:
    """What each song adds to `fad_difference`, as the jackknife's pseudo-values; empty where it has none.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), eq. 11.17.
    """
    pairs, reason = _both(reference, songs, others)
    if reason:
        return np.empty(0)
    value, without_N = _differences(reference, pairs)
    return len(pairs) * value - (len(pairs) - 1) * without_N


def swapped_fad_difference(
    reference: FrechetReference,
    songs: Sequence[WindowStatistics | None],
    others: Sequence[WindowStatistics | None],
) -> Swaps | None:
    """`fad_difference` after each row of swaps [B, N] of the songs both have, and N; None where there is none.

    Second moments about one point add up, so a swapped set is a sum and no song is gone through again.
    """
    pairs, reason = _both(reference, songs, others)
    if reason:
        return None
    origin_D = reference.statistics.mean_D
    left, right = ([_moments(side, origin_D) for side in sides] for sides in zip(*pairs, strict=True))
    columns = [[np.stack(part) for part in zip(*side, strict=True)] for side in (left, right)]

    def distances(from_other_BN: np.ndarray) -> np.ndarray:
        mine, theirs = columns
        number_B, sum_BD, square_BDD = (
            np.tensordot(1 - from_other_BN, a, 1) + np.tensordot(from_other_BN, b, 1)
            for a, b in zip(mine, theirs, strict=True)
        )
        mean_BD = sum_BD / number_B[:, None]
        scatter_BDD = square_BDD - sum_BD[:, :, None] * mean_BD[:, None]
        return reference.distances(origin_D + mean_BD, scatter_BDD / (number_B[:, None, None] - 1))

    def difference(swaps_BN: np.ndarray) -> np.ndarray:
        rows = max(1, _BLOCK // len(origin_D) ** 2)
        blocks = (
            swaps_BN[first : first + rows].astype(np.float64) for first in range(0, len(swaps_BN), rows)
        )
        return np.concatenate([distances(block_BN) - distances(1 - block_BN) for block_BN in blocks])

    return difference, len(pairs)


def fad_floor(true_songs: Sequence[WindowStatistics], num_songs: int, seed: int) -> Estimate:
    """What `num_songs` true songs are from as many or more others: the distance a perfect system would have.

    The mean over 20 seeded draws; low and high are the 2.5 and 97.5 percentiles of those draws.
    """
    generator = np.random.default_rng(seed)
    if len(true_songs) < 2 * num_songs:
        reason = f"{len(true_songs)} true songs, fewer than 2 x {num_songs}"
        return unresolved(None, len(true_songs), 0, "random draws", reason)
    distances: list[float] = []
    for _ in range(_SPLITS):
        order = generator.permutation(len(true_songs))
        drawn, others = ([true_songs[i] for i in part] for part in (order[:num_songs], order[num_songs:]))
        reason = too_few_songs(drawn) or too_few_songs(others)
        if reason:
            return unresolved(None, num_songs, 0, "random draws", reason)
        distances.append(FrechetReference(merged(others)).distance(merged(drawn)))
    low, high = np.quantile(distances, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(np.mean(distances)), float(low), float(high), num_songs, 0, method="random draws")


def _moments(song: WindowStatistics, origin_D: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of windows, their sum and the sum of their squares, about `origin_D`."""
    step_D = song.mean_D - origin_D
    square_DD = song.scatter_DD + song.num_windows * np.outer(step_D, step_D)
    return np.array(float(song.num_windows)), song.num_windows * step_D, square_DD


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
    reason = too_few_windows(reference.statistics, "the reference")
    reason = reason or _too_few_without_one([song for song, _ in pairs])
    return pairs, reason or _too_few_without_one([other for _, other in pairs])


def _differences(reference: FrechetReference, pairs: _Pairs) -> tuple[float, np.ndarray]:
    """The difference of the distances of both sides, and what it is without each pair in turn."""
    left, right = merged(song for song, _ in pairs), merged(other for _, other in pairs)
    value = reference.distance(left) - reference.distance(right)
    without = [reference.distance(left - a) - reference.distance(right - b) for a, b in pairs]
    return value, np.array(without)


def too_few_windows(statistics: WindowStatistics, who: str) -> str:
    """Why these windows give no distance, or nothing."""
    needed = 2 * statistics.dimension
    if statistics.num_windows >= needed:
        return ""
    return f"{who}: {statistics.num_windows} windows, fewer than 2 x dimension = {needed}"


def too_few_songs(songs: Sequence[WindowStatistics]) -> str:
    """The same of the windows of all these songs."""
    return too_few_windows(merged(songs), "the songs") if songs else "no song has windows"


def _too_few_without_one(songs: Sequence[WindowStatistics]) -> str:
    """Why the jackknife cannot leave out each song in turn, or nothing."""
    if len(songs) < 2:
        return too_few_songs(songs) or "one song gives no interval"
    left = sum(song.num_windows for song in songs) - max(song.num_windows for song in songs)
    needed = 2 * songs[0].dimension
    return (
        f"leaving a song out leaves {left} windows, fewer than {needed}: no interval" if left < needed else ""
    )


NO_REFERENCE = Estimate(None, None, None, 0, 0, reason="not measured: no reference songs were given")
ONE_WINDOW = Unmeasured("not measured: the reference is one window, which spreads nowhere; give more songs")


@lru_cache(maxsize=1)
def windows_of(song: Song) -> WindowStatistics | None:
    """Kept for one song, since two metrics take it in turn."""
    return None if song.windows_WD is None else window_statistics(song.windows_WD)


def _own_distance(song: Song) -> float | Unmeasured | None:
    if song.reference is None:
        return Unmeasured(NO_REFERENCE.reason)
    if song.reference.statistics.num_windows < 2:
        return ONE_WINDOW
    return None if song.windows_WD is None else song.reference.distance_of_windows(song.windows_WD)


def _reference(corpus: Corpus) -> FrechetReference:
    if corpus.reference is None:
        raise ValueError("corpus.reference is None: a Frechet distance is to reference songs, give them")
    return corpus.reference


FAD = CorpusMetric(
    name="fad",
    title="FAD",
    source="Kilgour et al. 2019, arXiv 1812.08466; the distance: Dowson and Landau 1982",
    range="[0, inf)",
    direction="lower",
    unit="",
    protocol="Frechet distance of Gaussians fitted to the embedding windows of the system's songs and of reference "
    "songs, which are none of the benchmark's; a report's title names the embedding, and no two embeddings compare; over the songs that all systems have; null below 2 x dimension windows; interval by "
    "jackknife over songs.",
    measure=windows_of,
    columns=("window_embedding",),
    embedded_by="style",
    estimate=lambda songs, corpus: fad(corpus.reference, songs) if corpus.reference else NO_REFERENCE,
    difference=lambda songs, others, corpus: (
        fad_difference(corpus.reference, songs, others) if corpus.reference else NO_REFERENCE
    ),
    swaps=lambda songs, others, corpus: swapped_fad_difference(_reference(corpus), songs, others),
    steps=lambda songs, others, corpus: fad_difference_of_songs(_reference(corpus), songs, others),
    pool=merged,
    in_common=True,
)
FAD_SONG = SongMetric(
    name="fad_song",
    title="FAD a song",
    source="Gui et al. 2023, arXiv 2311.01616",
    range="[0, inf)",
    direction="lower",
    unit="",
    protocol="The distance of each song's own windows to the reference, whatever their number; mean over "
    "songs. It finds odd songs; its height says little, since one song is never as broad as many.",
    measure=_own_distance,
    columns=("window_embedding",),
    embedded_by="style",
)
