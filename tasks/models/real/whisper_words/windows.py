"""Windows of at most 30 s that words are laid in: cut where the words leave the longest pause, each with its own sound.

Shapes: W words, K words and one of a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.engine.song import Refused
from tasks.models.aligner import Line

WINDOW_S = 30.0
LONGEST_S, SHORTEST_S = 27.0, 12.0
"""Of the words in a window as they are likely to lie; a shorter one is never cut."""
ASIDE_S = 1.0
"""Of sound before the first and behind the last word, at most half the pause and this."""
LEAST_S = 0.02
"""Of a word."""
MAX_TOKENS = 200
"""Whisper's decoder takes 448 with what stands around them."""


@dataclass(frozen=True)
class Window:
    """Words [first, end) and the seconds of the song that they are looked for in."""

    first: int
    end: int
    start_s: float
    stop_s: float


def windows(times_W2: np.ndarray, num_tokens_W: Sequence[int], duration_s: float) -> Iterator[Window]:
    """All words, in order, in windows."""
    starts_W, ends_W = times_W2.T
    first, num_words = 0, len(times_W2)
    while first < num_words:
        end = _end(starts_W, ends_W, num_tokens_W, first)
        before_s = ends_W[first - 1] if first else 0.0
        behind_s = starts_W[end] if end < num_words else duration_s
        start_s = max(starts_W[first] - ASIDE_S, (before_s + starts_W[first]) / 2 if first else 0.0)
        stop_s = min(
            ends_W[end - 1] + ASIDE_S, (ends_W[end - 1] + behind_s) / 2 if end < num_words else duration_s
        )
        stop_s = min(max(stop_s, start_s + 0.1), duration_s, start_s + WINDOW_S)
        yield Window(first, end, float(min(start_s, stop_s - 0.1)), float(stop_s))
        first = end


def _end(starts_W: np.ndarray, ends_W: np.ndarray, num_tokens_W: Sequence[int], first: int) -> int:
    """Where the window of the word `first` ends: behind the longest pause that is late enough."""
    num_words = len(starts_W)
    last, tokens = first + 1, num_tokens_W[first]
    while last < num_words and ends_W[last] - starts_W[first] <= LONGEST_S:
        tokens += num_tokens_W[last]
        if tokens > MAX_TOKENS:
            break
        last += 1
    if last == num_words:
        return num_words
    choices = [
        end for end in range(first + 1, last + 1) if ends_W[end - 1] - starts_W[first] >= SHORTEST_S
    ] or [last]
    return max(choices, key=lambda end: (starts_W[end] - ends_W[end - 1], end))


def bounds(lines: Sequence[Line], num_words: int, tolerance_s: float, duration_s: float) -> np.ndarray:
    """What every word must keep within, [W, 2] in seconds: its line's times and a tolerance, the song where it has none.

    Raises:
        Refused: ``line_times``: lines that hold words that are not there, or go back, or leave no room.
    """
    within_W2 = np.tile([0.0, duration_s], (num_words, 1))
    latest = 0
    for number, line in enumerate(lines):
        if not latest <= line.first <= line.last < num_words:
            raise Refused("line_times", f"line {number} holds words {line.first}-{line.last} of {num_words}")
        within_W2[line.first : line.last + 1] = line.start_s - tolerance_s, line.end_s + tolerance_s
        latest = line.last + 1
    within_W2[:, 0] = np.maximum.accumulate(within_W2[:, 0].clip(0, None))
    within_W2[:, 1] = np.minimum.accumulate(within_W2[::-1, 1].clip(None, duration_s))[::-1]
    if (short := np.flatnonzero(_latest(within_W2) < within_W2[:, 0])).size:
        raise Refused(
            "line_times" if lines else "too_many_words",
            f"word {short[0]} of {num_words} finds no room for {LEAST_S} s",
        )
    return within_W2


def in_order(times_W2: np.ndarray, within_W2: np.ndarray) -> np.ndarray:
    """The times within their bounds, none before the one before it, each word `LEAST_S` and more where there is room."""
    starts_W = np.maximum.accumulate(times_W2[:, 0].clip(within_W2[:, 0], within_W2[:, 1]))
    steps_W = LEAST_S * np.arange(len(starts_W))
    apart_W = np.maximum.accumulate(starts_W - steps_W) + steps_W
    starts_W = np.minimum(apart_W, _latest(within_W2))
    following_W = np.append(starts_W[1:], within_W2[-1, 1])
    ends_W = np.maximum(times_W2[:, 1].clip(None, within_W2[:, 1]), starts_W + LEAST_S)
    return np.stack([starts_W, np.minimum(ends_W, following_W)], axis=1)


def _latest(within_W2: np.ndarray) -> np.ndarray:
    """The latest start of every word that leaves it and those behind it room."""
    steps_W = LEAST_S * np.arange(len(within_W2))
    return np.minimum.accumulate((within_W2[:, 1] - LEAST_S - steps_W)[::-1])[::-1] + steps_W
