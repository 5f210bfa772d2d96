"""The judges' scores by axis as metrics: SongEval's five axes, Audiobox's four (production, content); and how often the first ranks as it must."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from eval.metrics.metric import SongMetric
from eval.metrics.song import Song
from eval.stats.intervals import Estimate, present, unresolved

AXES = ("coherence", "musicality", "memorability", "clarity", "naturalness")  # the order of SongEval's code

_AUDIOBOX = (
    ("CE", "enjoyment", "Content enjoyment"),
    ("CU", "usefulness", "Content usefulness"),
    ("PC", "complexity", "Production complexity"),
    ("PQ", "quality", "Production quality"),
)
_SOURCE = "SongEval (ASLP-lab/SongEval), arXiv 2505.10793"


def ranked_songs(columns: Sequence[Sequence[float | None]]) -> Estimate:
    """On how many songs every column scores strictly above the next one (truth, noisy truth, untrained).

    Position i is the same song in every column; a song without one of the scores counts in `n_failed`.
    """
    if len(columns) < 2 or len({len(column) for column in columns}) != 1:
        raise ValueError(
            f"columns hold {[len(column) for column in columns]} scores: give two or more, one song a row"
        )
    rows = [row for row in zip(*columns, strict=True) if all(present(score) for score in row)]
    n_failed = len(columns[0]) - len(rows)
    if not rows:
        return unresolved(None, 0, n_failed, "count", "no song has all the scores", "songs")
    ranked = sum(all(left > right for left, right in pairwise(row)) for row in rows)
    return unresolved(float(ranked), len(rows), n_failed, "count", "a count has no interval", "songs")


def _mean_of_axes(song: Song) -> float | None:
    return None if song.row["scores"] is None else float(np.mean(list(song.row["scores"])))


def _axis(song: Song, axis: str) -> float | None:
    return None if song.row["scores"] is None else list(song.row["scores"])[AXES.index(axis)]


def _second_axis(song: Song, axis: str) -> float | None:
    scores = {entry["axis"]: entry["score"] for entry in song.row.get("judged") or ()}
    return scores.get(axis)


def _of_axes(name: str, title: str, protocol: str, measure: Callable[[Song], float | None]) -> SongMetric:
    return SongMetric(
        name, title, _SOURCE, "(1, 5)", "higher", "", protocol, measure=measure, columns=("scores",)
    )


JUDGE_MEAN = _of_axes(
    "judge_mean", "Judge, mean", "Mean of the judge's five axes a song, then over songs.", _mean_of_axes
)
JUDGE_AXES = tuple(
    _of_axes(
        f"judge_{axis}",
        axis.capitalize(),
        f"The judge's {axis} of the whole mix.",
        partial(_axis, axis=axis),
    )
    for axis in AXES
)
SECOND_JUDGE = tuple(
    SongMetric(
        name=f"audiobox_{name}",
        title=title,
        source="Audiobox Aesthetics, arXiv 2502.05139",
        range="[1, 10]",
        direction="neither" if key == "PC" else "higher",
        unit="",
        protocol=f"The second judge's {key} of the whole mix; mean over songs.",
        measure=partial(_second_axis, axis=key),
        columns=("judged",),
        optional=True,
    )
    for key, name, title in _AUDIOBOX
)
