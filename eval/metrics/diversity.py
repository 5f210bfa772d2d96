"""Diversity: how far apart the songs of a system are, by unit style vectors; its difference, swaps and jackknife (without each song). Legend: N songs, S dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.metrics.metric import CorpusMetric, Swaps
from eval.metrics.song import Song
from eval.metrics.style_similarity import unit_rows
from eval.stats.intervals import Estimate, jackknife, unresolved


def diversity(songs: Sequence[np.ndarray | None]) -> Estimate:
    """Of one system's songs, each a style vector [S]; None is a failed song."""
    styled = [song for song in songs if song is not None]
    n_failed = len(songs) - len(styled)
    if len(styled) < 2:
        reason = "one song alone is not diverse" if styled else "no song has a style"
        return unresolved(None, len(styled), n_failed, "jackknife", reason)
    unit_NS = unit_rows("song", np.asarray(styled))
    return _with_interval(_distance_within(unit_NS), _apart_without(unit_NS), n_failed)


def diversity_difference(songs: Sequence[np.ndarray | None], others: Sequence[np.ndarray | None]) -> Estimate:
    """Diversity of `songs` minus that of `others` over the songs both have; position i is one song in both."""
    pairs = _in_both(songs, others)
    n_failed = len(songs) - len(pairs)
    if len(pairs) < 2:
        return unresolved(None, len(pairs), n_failed, "jackknife", "fewer than two songs are in both")
    lefts_NS, rights_NS = (unit_rows("song", np.asarray(side)) for side in zip(*pairs, strict=True))
    without_N = _apart_without(lefts_NS) - _apart_without(rights_NS)
    return _with_interval(_distance_within(lefts_NS) - _distance_within(rights_NS), without_N, n_failed)


def swapped_diversity_difference(
    songs: Sequence[np.ndarray | None], others: Sequence[np.ndarray | None]
) -> Swaps | None:
    """`diversity_difference` after each row of swaps [B, N] of the songs both have, and N; None below two songs."""
    pairs = _in_both(songs, others)
    if len(pairs) < 2:
        return None
    lefts_NS, rights_NS = (unit_rows("song", np.asarray(side)) for side in zip(*pairs, strict=True))

    def difference(swaps_BN: np.ndarray) -> np.ndarray:
        moved_BS = swaps_BN @ (rights_NS - lefts_NS)
        left_BS, right_BS = lefts_NS.sum(axis=0) + moved_BS, rights_NS.sum(axis=0) - moved_BS
        return _apart(left_BS, len(pairs)) - _apart(right_BS, len(pairs))

    return difference, len(pairs)


def _in_both(
    songs: Sequence[np.ndarray | None], others: Sequence[np.ndarray | None]
) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(a, b) for a, b in zip(songs, others, strict=True) if a is not None and b is not None]


def _with_interval(value: float, without_N: np.ndarray, n_failed: int) -> Estimate:
    if len(without_N) < 3:
        return unresolved(value, len(without_N), n_failed, "jackknife", "two songs give no interval")
    return jackknife(value, without_N, n_failed)


def _apart(total_S: np.ndarray, num: int) -> np.ndarray:
    """Diversity of `num` unit vectors from their sum, any number of sums at once.

    The sum of all cosines is the squared length of the sum of the vectors; a song with itself is no pair. NaN
    where one song is left.
    """
    if num < 2:
        return np.full(total_S.shape[:-1], np.nan)
    return 1 - ((total_S**2).sum(axis=-1) - num) / np.float64(num * (num - 1))


def _distance_within(unit_NS: np.ndarray) -> float:
    return float(_apart(unit_NS.sum(axis=0), len(unit_NS)))


def _apart_without(unit_NS: np.ndarray) -> np.ndarray:
    """The diversity without each song in turn, [N]."""
    return _apart(unit_NS.sum(axis=0) - unit_NS, len(unit_NS) - 1)


def _style_S(song: Song) -> np.ndarray | None:
    if song.row["style_embedding"] is None:
        return None
    return np.asarray(song.row["style_embedding"], np.float64).mean(axis=0)


SONG_DIVERSITY = CorpusMetric(
    name="song_diversity",
    title="Diversity of songs",
    source="ours",
    range="[0, 2]",
    direction="higher",
    unit="",
    protocol="Mean of 1 - cosine between the mean style embeddings of every two songs of the system; interval "
    "by jackknife over songs. To be read beside the true songs' own: noise is diverse too.",
    measure=_style_S,
    columns=("style_embedding",),
    estimate=lambda songs, corpus: diversity(songs),
    difference=lambda songs, others, corpus: diversity_difference(songs, others),
    swaps=lambda songs, others, corpus: swapped_diversity_difference(songs, others),
)
