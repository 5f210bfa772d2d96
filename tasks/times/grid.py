"""Word times on a grid, snapped: the even steps that the released model learned from, or parts of the beats that were heard.

Words stay in order, each at least a step long, none past the song's end. Every word starts a step or more after the one before;
words that did not overlap still do not.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from jam_model.words import Word
from tasks.engine.song import Refused

MAX_PARTS = 12


def parts_of_beat(grid: str) -> int:
    """How many steps of ``beat/N`` make a beat.

    Raises:
        ValueError: it is not written so.
    """
    found = re.fullmatch(r"beat/(\d{1,2})", grid)
    if not found or not 1 <= int(found[1]) <= MAX_PARTS:
        raise ValueError(f"{grid!r} is no grid for words; give beat/1 to beat/{MAX_PARTS}, or seconds (0.08)")
    return int(found[1])


def on_grid(words: Sequence[Word], grid_s: float, duration_s: float) -> list[Word]:
    """The words on whole steps of `grid_s` seconds.

    Raises:
        Refused: ``grid_too_coarse``: the song has fewer steps than words.
    """
    steps = math.floor(duration_s / grid_s + 1e-6)
    return _snapped(words, steps, lambda time_s: round(time_s / grid_s), lambda step: step * grid_s)


def on_beats(
    words: Sequence[Word],
    beats_s: Sequence[float],
    parts: int,
    duration_s: float,
    rng: np.random.Generator | None = None,
) -> list[Word]:
    """The words on beats, each of which has so many equal parts; before the first beat and after the last one the
    nearest beat's length goes on. `rng`: each step is sung at a time of its own, drawn between the middles to the steps beside it.

    Raises:
        Refused: ``grid_without_beats``: fewer than two beats were heard. ``grid_too_coarse``.
    """
    if len(beats_s) < 2:
        detail = f"{len(beats_s)} beats were heard, and align.times_grid asks for parts of beats"
        raise Refused("grid_without_beats", detail)
    steps_s = _steps(beats_s, parts, duration_s)

    def nearest(time_s: float) -> int:
        after = min(max(bisect_left(steps_s, time_s), 1), len(steps_s) - 1)
        return after - (time_s - steps_s[after - 1] < steps_s[after] - time_s)

    sung_s = steps_s if rng is None else _within(steps_s, duration_s, rng)
    return _snapped(words, len(steps_s) - 1, nearest, lambda step: sung_s[step])


def _within(steps_s: Sequence[float], duration_s: float, rng: np.random.Generator) -> list[float]:
    """A time for every step, in their order."""
    middles = [(before + after) / 2 for before, after in pairwise(steps_s)]
    first, last = (2 * steps_s[0] - middles[0], 2 * steps_s[-1] - middles[-1])
    bounds = np.clip([first, *middles, last], 0.0, duration_s)
    return (bounds[:-1] + rng.random(len(steps_s)) * np.diff(bounds)).tolist()


def _steps(beats_s: Sequence[float], parts: int, duration_s: float) -> list[float]:
    """Times of all steps within the song."""
    first_s, last_s = beats_s[1] - beats_s[0], beats_s[-1] - beats_s[-2]
    before = [beats_s[0] - count * first_s for count in range(math.ceil(beats_s[0] / first_s), 0, -1)]
    count_after = max(0, math.ceil((duration_s - beats_s[-1]) / last_s))
    after = [beats_s[-1] + count * last_s for count in range(1, count_after + 1)]
    beats = [*before, *beats_s, *after]
    steps = [start + (end - start) * part / parts for start, end in pairwise(beats) for part in range(parts)]
    return [step for step in [*steps, beats[-1]] if 0 <= step <= duration_s + 1e-6]


def _snapped(
    words: Sequence[Word], steps: int, nearest: Callable[[float], int], time_s: Callable[[int], float]
) -> list[Word]:
    """The words on steps numbered from 0 to `steps`."""
    if steps < len(words):
        detail = f"{len(words)} words in {steps} steps; give align.times_grid a smaller step"
        raise Refused("grid_too_coarse", detail)
    starts: list[int] = []
    for place, word in enumerate(words):
        first, last = starts[-1] + 1 if starts else 0, steps - len(words) + place
        starts.append(min(max(nearest(word.start_s), first), last))
    snapped = []
    for place, (word, start) in enumerate(zip(words, starts, strict=True)):
        end = min(max(nearest(word.end_s), start + 1), steps)
        if place + 1 < len(words) and word.end_s <= words[place + 1].start_s:
            end = min(end, starts[place + 1])
        snapped.append(replace(word, start_s=_on(time_s(start)), end_s=_on(time_s(end))))
    return snapped


def _on(time_s: float) -> float:
    return round(time_s, 6)  # 0.24, not 0.24000000000000002
