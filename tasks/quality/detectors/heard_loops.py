"""What recognisers make up: the same words again and again that nobody wrote, and words where nothing sounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.metrics.error_rates import normalise
from jam_model.words import Word
from tasks.audio.levels import frame_power

MAX_PIECE = 12
"""Words of the longest piece that is looked for."""
LOUD, SILENT_DB = 95, -20.0
"""Vocals whose mean level is so far below the percentile of their 10 ms pieces that is called loud are silent."""


def looped_words(heard: Sequence[str], written: Sequence[str] | None) -> int:
    """How many words a piece that is heard again and again has beyond its first time, or beyond as often as it is written in a row;
    of all pieces the most. Three times "la la" in a song of one "la la" are four. A line that is written twice may be misheard twice
    alike: more than half of a piece's words, each in its place, are that piece.
    """
    heard, written = normalise(heard), normalise(written or ())
    most = 0
    for size in range(1, min(MAX_PIECE, len(heard) // 2) + 1):
        for first, times in _repeats(heard, size):
            piece = heard[first : first + size]
            most = max(most, size * (times - max(1, _times_in(written, piece))))
    return most


def _repeats(words: Sequence[str], size: int) -> list[tuple[int, int]]:
    """Where a piece of this size comes twice or more in a row, and how often."""
    found, place = [], 0
    while place + 2 * size <= len(words):
        length = size
        while place + length < len(words) and words[place + length] == words[place + length - size]:
            length += 1
        if length >= 2 * size:
            found.append((place, length // size))
            place += length - size + 1
        else:
            place += 1
    return found


def _times_in(words: Sequence[str], piece: Sequence[str]) -> int:
    """How often in a row a piece stands there at the most."""
    most, size = 0, len(piece)
    for first in range(len(words) - size + 1):
        times = 0
        while _alike(words[first + times * size : first + (times + 1) * size], piece):
            times += 1
        most = max(most, times)
    return most


def _alike(words: Sequence[str], piece: Sequence[str]) -> bool:
    same = sum(a == b for a, b in zip(words, piece, strict=False))
    return len(words) == len(piece) and 2 * same > len(piece)


def silent_words(heard: Sequence[Word], vocals_N: np.ndarray) -> float | None:
    """The share of words that were heard below which the vocals are silent; None where no word was heard, or no voice."""
    power_T = frame_power(vocals_N)
    loud = float(np.percentile(power_T, LOUD)) if len(power_T) else 0.0
    if not heard or loud <= 0:
        return None
    least = loud * 10 ** (SILENT_DB / 10)
    means = [power_T[_frames(word, len(power_T))] for word in heard]
    return float(np.mean([not len(frames) or frames.mean() < least for frames in means]))


def _frames(word: Word, num_frames: int) -> slice:
    first = min(int(word.start_s * 100), num_frames)
    return slice(first, max(first + 1, round(word.end_s * 100)))
