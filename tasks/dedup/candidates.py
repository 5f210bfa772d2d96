"""Which songs are worth comparing: an inverted index of their keys, in columns and blocks (`KeyIndex`), and pairs that share some of them.

Memory is that of the keys (8 bytes each) and of those that more than one song has; time grows with their number.

Shapes: K keys of a song, E entries of the index (a key of a song), R those whose key more than one song has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LOOK_BACK = 8  # an index entry meets this many before it, so that a common key costs no more than a rare one
SHARED_KEYS = 3  # fewer index keys in common are chance
BUCKETS = 16  # of keys, sorted one after the other
BLOCK_ENTRIES = 1 << 20


_NO_KEYS, _NO_PLACES = np.empty(0, np.int64), np.empty(0, np.int32)


@dataclass(frozen=True)
class _Block:
    """The keys of some songs, one song after the other; the songs' places, and how many keys each has."""

    keys_E: np.ndarray
    places: np.ndarray
    counts: np.ndarray

    def of_bucket(self, bucket: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys and places of the entries of a bucket."""
        chosen_E = (self.keys_E & (BUCKETS - 1)) == bucket
        return self.keys_E[chosen_E], np.repeat(self.places, self.counts)[chosen_E]


class KeyIndex:
    """Keys of songs, which come in the order of their places; a song without keys may be left out."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._places: list[int] = []  # of the songs behind the last block, and their keys
        self._keys: list[np.ndarray] = []
        self._pending = 0

    def add(self, place: int, keys_K: np.ndarray) -> None:
        """The next song: its place, higher than all before, and its keys, each once."""
        self._places.append(place)
        self._keys.append(keys_K)
        self._pending += len(keys_K)
        if self._pending >= BLOCK_ENTRIES:
            self._close_block()

    def _close_block(self) -> None:
        if self._keys:
            counts = np.array([len(keys_K) for keys_K in self._keys], np.int32)
            self._blocks.append(_Block(np.concatenate(self._keys), np.array(self._places, np.int32), counts))
        self._places, self._keys, self._pending = [], [], 0

    def pairs(self) -> np.ndarray:
        """Sorted int64 ``earlier << 32 | later`` of songs that share keys, each entry met with those just before it."""
        self._close_block()
        runs_R, places_R = self._repeated()
        found = [_sharing(runs_R, places_R, chosen) for chosen in _by_place(places_R)]
        return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)

    def _repeated(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the entries whose key more than one song has, sorted by key and place: the key's number, and the place."""
        runs, places = [_NO_PLACES], [_NO_PLACES]
        first = 0
        for bucket in range(BUCKETS):
            parts = [block.of_bucket(bucket) for block in self._blocks]
            keys_E = np.concatenate([_NO_KEYS, *(keys for keys, _ in parts)])
            places_E = np.concatenate([_NO_PLACES, *(places for _, places in parts)])
            order_E = np.argsort(keys_E, kind="stable")  # entries come in the order of places
            keys_E, places_E = keys_E[order_E], places_E[order_E]
            follows_E = np.zeros(len(keys_E), bool)  # the one before has the same key
            follows_E[1:] = keys_E[1:] == keys_E[:-1]
            repeated_E = follows_E.copy()
            repeated_E[:-1] |= follows_E[1:]
            starts_E = repeated_E & ~follows_E
            runs.append((np.cumsum(starts_E)[repeated_E] + first).astype(np.int32))
            places.append(places_E[repeated_E])
            first += int(starts_E.sum())
        return np.concatenate(runs), np.concatenate(places)


def _by_place(places_R: np.ndarray) -> Iterator[np.ndarray]:
    """Which entries are of the next songs, some songs at a time."""
    order_R = np.argsort(places_R, kind="stable")
    ordered_R = places_R[order_R]
    start = 0
    while start < len(order_R):
        last = ordered_R[min(start + BLOCK_ENTRIES, len(order_R)) - 1]
        end = int(np.searchsorted(ordered_R, last, "right"))
        yield order_R[start:end]
        start = end


def _sharing(runs_R: np.ndarray, places_R: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The pairs whose later song these entries are of."""
    codes = []
    for back in range(1, LOOK_BACK + 1):
        later = chosen[chosen >= back]
        later = later[runs_R[later - back] == runs_R[later]]
        codes.append((places_R[later - back].astype(np.int64) << 32) | places_R[later])
    pairs, counts = np.unique(np.concatenate(codes), return_counts=True)
    return pairs[counts >= SHARED_KEYS]
