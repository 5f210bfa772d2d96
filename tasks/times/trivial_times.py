"""Word times by rules that know little or nothing of the words: usual, stepped, drawn or dealt lengths and gaps, for a line or a song.

The lengths of W words [W] and the gaps between them [W - 1], in steps or seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from jam_model.words import Word

Lengths = tuple[np.ndarray, np.ndarray]
"""Of words, and of the gaps between them."""


@dataclass(frozen=True)
class Usual:
    """All lengths and gaps of the words of some songs, and the share of a step, from one start to the next, that is sung."""

    lengths_s: np.ndarray
    gaps_s: np.ndarray
    share: float


def usual(songs: Sequence[Sequence[Word]]) -> Usual:
    """Of these words; the share is that of all lengths and gaps together. Of words that have another one behind them the gap too."""
    parts = [lengths_of(words) for words in songs]
    lengths_s, gaps_s = (np.concatenate([np.empty(0), *(of[side] for of in parts)]) for side in (0, 1))
    sung_s, silent_s = float(lengths_s.sum()), float(gaps_s.sum())
    return Usual(lengths_s, gaps_s, sung_s / (sung_s + silent_s) if sung_s else 1.0)


def lengths_of(words: Sequence[Word]) -> Lengths:
    """Of words as they are; words that overlap have no gap."""
    gaps_s = [max(0.0, after.start_s - word.end_s) for word, after in pairwise(words)]
    return np.array([word.end_s - word.start_s for word in words]), np.array(gaps_s)


def stepped(steps_W: np.ndarray, share: float) -> Lengths:
    """Words that take these steps, of which they sound a share."""
    return share * steps_W, (1 - share) * steps_W[:-1]


def drawn(usual: Usual, count: int, rng: np.random.Generator) -> Lengths:
    """Those of any words, whichever."""
    gaps_s = rng.choice(usual.gaps_s, count - 1) if len(usual.gaps_s) else np.zeros(count - 1)
    return rng.choice(usual.lengths_s, count), gaps_s


def dealt(lengths: Lengths, rng: np.random.Generator) -> Lengths:
    """The same, in another order."""
    return rng.permutation(lengths[0]), rng.permutation(lengths[1])


def bounds(lengths: Lengths) -> np.ndarray:
    """Start and end of each word in turn, the first at 0 [2 W]."""
    parts = np.ravel(np.column_stack([lengths[0], [*lengths[1], 0.0]]))
    return np.concatenate([[0.0], np.cumsum(parts)])[:-1]
