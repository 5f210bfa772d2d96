"""Shingles: a text as hashes of its runs of words, and how much of the shorter of two texts is in the other.

A long text keeps its lowest hashes only, which are the same in every copy (Broder, "On the resemblance and
containment of documents", 1997).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


def shingles(words: Sequence[str], length: int, limit: int) -> np.ndarray:
    """Sorted int64 hashes of every run of `length` words, each once, the lowest `limit` of them.

    A text of fewer words has none.
    """
    runs = {" ".join(words[start : start + length]) for start in range(len(words) - length + 1)}
    hashes = (hashlib.blake2b(run.encode(), digest_size=8).digest() for run in runs)
    return np.unique(np.array([int.from_bytes(digest, "big") >> 1 for digest in hashes], np.int64))[:limit]


def shared_text(sketch: np.ndarray, other: np.ndarray, limit: int, at_least: int) -> float:
    """Share of the shorter text's shingles that the other has, 0 to 1.

    Where a sketch was cut at `limit`, only hashes below the cut of both are compared. Fewer than `at_least`
    (1 or more) tell nothing: 0.
    """
    whole = np.iinfo(np.int64).max
    cut = min(int(hashes[-1]) if len(hashes) >= limit else whole for hashes in (sketch, other))
    sketch, other = sketch[sketch <= cut], other[other <= cut]
    shorter = min(len(sketch), len(other))
    if shorter < at_least:
        return 0.0
    return len(np.intersect1d(sketch, other, assume_unique=True)) / shorter
