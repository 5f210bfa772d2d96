"""Boundaries of parts: precision, recall and F of those that lie where true ones do.

Conventions, those of mir_eval.segment.detection with trim=True: the first and the last boundary of both sides are left out, since a song's start and
end are found by nobody; the others are matched one to one, as many as can be, within the window (0.5 s or 3 s to either side). mir_eval has 0
where either side has no inner boundary; here a precision without a found one and a recall without a true one are None, and F is None only
where there is no true one: of a song in one part nothing can be hit.

Source: D. Turnbull et al., A Supervised Approach for Detecting Boundaries in Music Using Difference Features and Boosting (ISMIR 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from eval.metrics.lyrics_alignment import num_matched

FINE_S, COARSE_S = 0.5, 3.0


class Hits(NamedTuple):
    """Shares in [0, 1] of a song; None where there is nothing to take a share of."""

    precision: float | None
    recall: float | None
    f: float | None


def boundary_hits(true_s: Sequence[float], found_s: Sequence[float], window_s: float) -> Hits:
    """Hits of all boundaries in ascending order, those of the song's start and end among them.

    Raises:
        ValueError: a list lacks start and end, or does not ascend.
    """
    for name, times_s in (("true_s", true_s), ("found_s", found_s)):
        if len(times_s) < 2 or any(b <= a for a, b in pairwise(times_s)):
            raise ValueError(
                f"{name} has {len(times_s)} boundaries; give at least start and end, each later than the one before"
            )
    true, found = list(true_s[1:-1]), list(found_s[1:-1])
    hits = num_matched(true, found, window_s)
    return Hits(
        hits / len(found) if found else None,
        hits / len(true) if true else None,
        2 * hits / (len(true) + len(found)) if true else None,
    )
