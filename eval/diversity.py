"""Diversity: how unlike one another are the songs of a system? Legend: N songs, S dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.intervals import Estimate, jackknife
from eval.metric import Metric

METRICS = (
    Metric(
        name="song_diversity",
        title="Diversity of songs",
        source="ours",
        range="[0, 2]",
        direction="higher",
        unit="",
        protocol="Mean of 1 - cosine between the mean style embeddings of every two songs of the system; interval "
        "by jackknife over songs. To be read beside the true songs' own: noise is diverse too.",
    ),
)


def diversity(songs: Sequence[np.ndarray | None]) -> Estimate:
    """Of one system's songs, each a style vector [S]; None is a failed song."""
    unit_NS = _unit_rows([song for song in songs if song is not None])
    n_failed = len(songs) - len(unit_NS)
    if len(unit_NS) < 2:
        reason = "one song alone is not diverse" if len(unit_NS) else "no song has a style"
        return Estimate(None, None, None, len(unit_NS), n_failed, method="jackknife", reason=reason)
    return _with_interval(_apart(unit_NS), _apart_without(unit_NS), n_failed)


def diversity_difference(songs: Sequence[np.ndarray | None], others: Sequence[np.ndarray | None]) -> Estimate:
    """Diversity of `songs` minus that of `others` over the songs both have; position i is one song in both."""
    pairs = [(a, b) for a, b in zip(songs, others, strict=True) if a is not None and b is not None]
    n_failed = len(songs) - len(pairs)
    if len(pairs) < 2:
        reason = "fewer than two songs are in both"
        return Estimate(None, None, None, len(pairs), n_failed, method="jackknife", reason=reason)
    lefts_NS, rights_NS = (_unit_rows(list(side)) for side in zip(*pairs, strict=True))
    without_N = _apart_without(lefts_NS) - _apart_without(rights_NS)
    return _with_interval(_apart(lefts_NS) - _apart(rights_NS), without_N, n_failed)


def _with_interval(value: float, without_N: np.ndarray, n_failed: int) -> Estimate:
    if len(without_N) < 3:
        reason = "two songs give no interval"
        return Estimate(value, None, None, len(without_N), n_failed, method="jackknife", reason=reason)
    return jackknife(value, without_N, n_failed)


def _apart(unit_NS: np.ndarray) -> float:
    """The sum of all cosines is the squared length of the sum of the vectors; a song with itself is no pair."""
    num = len(unit_NS)
    total_S = unit_NS.sum(axis=0)
    return float(1 - (total_S @ total_S - num) / (num * (num - 1)))


def _apart_without(unit_NS: np.ndarray) -> np.ndarray:
    """`_apart` without each song in turn, [N]; NaN where one song is left."""
    num = len(unit_NS) - 1
    rests_NS = unit_NS.sum(axis=0) - unit_NS
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - ((rests_NS**2).sum(axis=1) - num) / (num * (num - 1))


def _unit_rows(songs: Sequence[np.ndarray]) -> np.ndarray:
    rows_NS = np.asarray(songs, np.float64).reshape(len(songs), -1)
    lengths_N = np.linalg.norm(rows_NS, axis=1, keepdims=True)
    if not (np.isfinite(lengths_N).all() and (lengths_N > 0).all()):
        raise ValueError("a style vector has length 0 or is not finite: it points nowhere")
    return rows_NS / lengths_N
