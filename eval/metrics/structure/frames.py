"""Frames of parts: whether any two that belong to one label do so on the other side too, and whether their labels are the same.

Conventions: a frame every 0.1 s from 0 to the true end, with the label of the part it begins in; a part ends where the next begins.
`pairwise` is mir_eval.segment.pairwise: blind to names, so that a chorus called A is as good, and None where mir_eval divides 0 by 0.
`label_accuracy` is the share of the true seconds that have the true name, exact, without frames.

Source: M. Levy, M. Sandler, Structural Segmentation of Musical Audio by Constrained Clustering (IEEE Transactions on Audio, Speech, and
Language Processing 16, 2008).
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from eval.metrics.structure.boundaries import Hits

FRAME_S = 0.1
Part = tuple[float, float, str]
"""Start, end and label; parts of a song are in order and do not overlap."""


def pairwise(true: Sequence[Part], found: Sequence[Part]) -> Hits:
    """Precision, recall and F of pairs of frames with one label.

    Raises:
        ValueError: a side has no part, or they overlap.
    """
    num_frames = int((_checked(true, "true")[-1][1] + 1e-9) / FRAME_S)
    _checked(found, "found")
    labels = [[_label_at(parts, frame * FRAME_S) for frame in range(num_frames)] for parts in (true, found)]
    pairs = [_pairs(Counter(side)) for side in labels]
    both = _pairs(Counter(zip(*labels, strict=True)))
    precision = both / pairs[1] if pairs[1] else None
    recall = both / pairs[0] if pairs[0] else None
    return Hits(precision, recall, 2 * both / (pairs[0] + pairs[1]) if pairs[0] else None)


def label_accuracy(true: Sequence[Part], found: Sequence[Part]) -> float:
    """The share of the seconds of the true parts that have the true label.

    Raises:
        ValueError: a side has no part, or they overlap.
    """
    _checked(true, "true")
    right_s = sum(
        max(0.0, min(end, its_end) - max(start, its_start))
        for start, end, label in true
        for its_start, its_end, its_label in _checked(found, "found")
        if label == its_label
    )
    return right_s / sum(end - start for start, end, _ in true)


def _checked(parts: Sequence[Part], name: str) -> Sequence[Part]:
    if not parts or any(after[0] < before[1] for before, after in itertools.pairwise(parts)):
        raise ValueError(f"{name} has {len(parts)} parts; give at least one, in order and without overlap")
    return parts


def _label_at(parts: Sequence[Part], time_s: float) -> str | None:
    """The label of the part in which a time lies; None in none, which is a label like another."""
    place = bisect_right(parts, time_s + 1e-9, key=lambda part: part[0]) - 1
    return parts[place][2] if place >= 0 and time_s <= parts[place][1] else None


def _pairs(counts: Counter) -> int:
    return sum(count * (count - 1) // 2 for count in counts.values())
