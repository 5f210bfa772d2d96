"""Times that fill a song exactly (`fit_total`): gaps give way first, then all by one factor, then each bound falls on a slot.

Bounds are rounded, never lengths, so that no error adds up; a pass from the front and one from the back leave every word
a slot a phone. The order of words is kept, nothing is negative, and the last word ends in the song.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jam_model.durations.sheet import Timing

SLOTS_PER_S = 1000
"""Times are written to the millisecond."""
LEAST_OF_GAPS = 0.25
"""Gaps are not pressed below this share before all is."""


@dataclass(frozen=True)
class Fitted:
    """Times in a song, and what they were multiplied by to fit: gaps, then all; 1 where nothing had to give way."""

    timing: Timing
    of_gaps: float
    of_all: float


def fit_total(timing: Timing, duration_s: float, num_phones: Sequence[int]) -> Fitted:
    """The times within a song of this length; what they leave is its end.

    Raises:
        ValueError: the words have more phones than the song has milliseconds.
    """
    total = round(duration_s * SLOTS_PER_S)
    least = np.maximum(1, np.asarray(num_phones, int))
    if least.sum() > total:
        raise ValueError(
            f"duration: {duration_s:g} s are too short for {least.sum()} phones; give a longer song"
        )
    gaps_s, lengths_s = np.asarray(timing.gaps_s, float), np.asarray(timing.lengths_s, float)
    of_gaps = of_all = 1.0
    if gaps_s.sum() + lengths_s.sum() > duration_s and gaps_s.sum() > 0:
        of_gaps = max(LEAST_OF_GAPS, min(1.0, (duration_s - lengths_s.sum()) / gaps_s.sum()))
    whole_s = of_gaps * gaps_s.sum() + lengths_s.sum()
    if whole_s > duration_s * (1 + 1e-9):
        of_all = duration_s / whole_s
    steps_s = of_all * np.stack([of_gaps * gaps_s, lengths_s], axis=1).ravel()
    bounds = np.rint(np.cumsum(steps_s) * SLOTS_PER_S).astype(int)
    starts, ends = bounds[::2], bounds[1::2]
    free = 0
    for place, slots in enumerate(least):
        starts[place] = max(starts[place], free)
        free = ends[place] = max(ends[place], starts[place] + slots)
    free = total
    for place in range(len(least) - 1, -1, -1):
        ends[place] = min(ends[place], free)
        free = starts[place] = min(starts[place], ends[place] - least[place])
    before = np.concatenate([[0], ends[:-1]])
    fitted = Timing((starts - before) / SLOTS_PER_S, (ends - starts) / SLOTS_PER_S, timing.shares)
    return Fitted(fitted, float(of_gaps), float(of_all))
