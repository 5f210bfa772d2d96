"""By how much input times are off (late): differences that many lines (or words) vote for.

Whoever timed a song on another edition of it is off by one constant everywhere. So every line says by how much its
time differs from where the aligner finds its text, and the difference that most lines agree on is the likeliest. A
text that is sung several times says it for every time, since the aligner may have found another one: the true
difference is still the one that all lines share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

MAX_PLACES = 20  # of a text that comes again and again: those nearest to its time


def likely_offsets(
    texts: Sequence[str],
    given_s: Sequence[float | None],
    found_s: Sequence[float | None],
    reach_s: float,
    most: int = 3,
) -> list[float]:
    """The likeliest amounts by which given times are late, the likeliest first; equals: the smaller first.

    Args:
        texts: of each line or word.
        given_s: the time given for it; None has no say.
        found_s: where the aligner finds it; None: it does not.
        reach_s: differences that are no farther apart are the same.
    """
    places_s = defaultdict(list)
    for text, found in zip(texts, found_s, strict=True):
        if found is not None:
            places_s[text].append(found)
    votes = [
        (given - place, voter)
        for voter, (text, given) in enumerate(zip(texts, given_s, strict=True))
        if given is not None
        for place in sorted(places_s[text], key=lambda place: abs(given - place))[:MAX_PLACES]
    ]
    votes.sort()
    offsets_s: list[float] = []
    while votes and len(offsets_s) < most:
        first, end = _most_shared(votes, reach_s)
        offset_s = float(np.median([late_s for late_s, _ in votes[first:end]]))
        offsets_s.append(offset_s)
        votes = [vote for vote in votes if abs(vote[0] - offset_s) > reach_s]
    return offsets_s


def _most_shared(votes: Sequence[tuple[float, int]], reach_s: float) -> tuple[int, int]:
    """The votes [first, end) within a reach that most voters share; votes are (how late, by whom), in order."""
    num_votes: Counter[int] = Counter()
    best, end = (0, 0.0, 0, 0), 0
    for first, (late_s, voter) in enumerate(votes):
        while end < len(votes) and votes[end][0] <= late_s + reach_s:
            num_votes[votes[end][1]] += 1
            end += 1
        best = min(best, (-len(num_votes), abs(late_s + votes[end - 1][0]), first, end))
        num_votes[voter] -= 1
        if not num_votes[voter]:
            del num_votes[voter]
    return best[2:]


def lateness(offset_s: float) -> str:
    """How late in words: ``3.0 s late``, ``0.08 s early``."""
    size_s = abs(offset_s)
    return f"{size_s:.{1 if size_s >= 0.95 else 2}f} s {'late' if offset_s > 0 else 'early'}"
