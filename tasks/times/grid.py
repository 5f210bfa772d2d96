"""Word times on a grid: the even one that the released model learned from, or parts of the beats that were heard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from jam_model.words import Word


def on_grid(words: Sequence[Word], grid_s: float, duration_s: float) -> list[Word]:
    """The words on whole steps of a grid: in order, each at least a step long, none past the song's end.

    Every word starts a step or more after the one before; words that did not overlap still do not.

    Raises:
        ValueError: the song has fewer steps than words.
    """
    steps = math.floor(duration_s / grid_s + 1e-6)
    if steps < len(words):
        raise ValueError(f"{len(words)} words in {steps} steps of {grid_s:g} s; give a smaller times_grid_s")
    starts: list[int] = []
    for place, word in enumerate(words):
        first, last = starts[-1] + 1 if starts else 0, steps - len(words) + place
        starts.append(min(max(round(word.start_s / grid_s), first), last))
    snapped = []
    for place, (word, start) in enumerate(zip(words, starts, strict=True)):
        end = min(max(round(word.end_s / grid_s), start + 1), steps)
        if place + 1 < len(words) and word.end_s <= words[place + 1].start_s:
            end = min(end, starts[place + 1])
        snapped.append(replace(word, start_s=_on(start, grid_s), end_s=_on(end, grid_s)))
    return snapped


def _on(step: int, grid_s: float) -> float:
    return round(step * grid_s, 6)  # 0.24, not 0.24000000000000002
