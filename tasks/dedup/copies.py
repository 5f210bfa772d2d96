"""Near references of a sketched song (`near_references`): which of some songs are near any of many, by the rule that groups near duplicates.

The songs are few and are held, with an index of their keys; references pass by one at a time, so that a training set of
any size takes the memory of one of its songs. Each song meets every reference that shares keys with it, also where many
songs copy the same one, which an index that looks back a few entries would miss.

Shapes: K keys of a reference, E entries of the index (a key of a song), S style.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.dedup.candidates import SHARED_KEYS
from tasks.dedup.landmarks import index_keys
from tasks.dedup.near_duplicates import (
    INDEXED_KEYS,
    WORDS_ALONE,
    GroupParams,
    style_cosine,
    style_needed,
)


@dataclass(frozen=True, slots=True)
class Sketched:
    """What a song is known by: its words and its sound as sorted int64, its style crops [n, S]; None: it has none of a kind."""

    song_id: str
    shingles: np.ndarray | None
    landmarks: np.ndarray | None
    style_NS: np.ndarray | None


def near_references(
    songs: Sequence[Sketched], references: Iterable[Sketched], params: GroupParams, max_shingles: int
) -> set[tuple[str, str]]:
    """Ids (song, reference) of all that are near each other. `max_shingles`: where sketches of words were cut."""
    words = _Keys([_word_keys(song) for song in songs])
    sounds = _Keys([_sound_keys(song) for song in songs])
    found = set()
    for reference in references:
        met = words.sharing(_word_keys(reference)) | sounds.sharing(_sound_keys(reference))
        for song in (songs[place] for place in sorted(met)):
            if _is_near(song, reference, params, max_shingles):
                found.add((song.song_id, reference.song_id))
    return found


def _is_near(song: Sketched, reference: Sketched, params: GroupParams, max_shingles: int) -> bool:
    mine, theirs = (song.shingles, song.landmarks), (reference.shingles, reference.landmarks)
    needed = style_needed(mine, theirs, params, max_shingles)
    if needed is None or needed == WORDS_ALONE:
        return needed is not None
    if song.style_NS is None or reference.style_NS is None:
        return False
    return style_cosine(song.style_NS, reference.style_NS) >= needed


class _Keys:
    """The keys of some songs, and which songs share enough of them with others."""

    def __init__(self, keys: Sequence[np.ndarray]) -> None:
        keys_E = np.concatenate([np.empty(0, np.int64), *keys])
        places_E = np.repeat(np.arange(len(keys)), [len(keys_K) for keys_K in keys])
        order_E = np.argsort(keys_E, kind="stable")
        self._keys_E, self._places_E, self._count = keys_E[order_E], places_E[order_E], len(keys)

    def sharing(self, keys_K: np.ndarray) -> set[int]:
        """The places of the songs that share enough keys with these, each of which stands once."""
        first_K = np.searchsorted(self._keys_E, keys_K, "left")
        counts_K = np.searchsorted(self._keys_E, keys_K, "right") - first_K
        entries = np.repeat(first_K - np.cumsum(counts_K) + counts_K, counts_K) + np.arange(counts_K.sum())
        shared = np.bincount(self._places_E[entries], minlength=self._count)
        return set(np.flatnonzero(shared >= SHARED_KEYS).tolist())


def _word_keys(song: Sketched) -> np.ndarray:
    return np.empty(0, np.int64) if song.shingles is None else song.shingles[:INDEXED_KEYS]


def _sound_keys(song: Sketched) -> np.ndarray:
    if song.landmarks is None or not len(song.landmarks):
        return np.empty(0, np.int64)
    return index_keys(song.landmarks, INDEXED_KEYS)
