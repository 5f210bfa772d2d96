"""Pairs that share keys: those of an inverted index made with dictionaries, whatever the blocks and buckets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
import pytest

from tasks.dedup import candidates
from tasks.dedup.candidates import LOOK_BACK, SHARED_KEYS, KeyIndex
from tasks.dedup.sketch_spool import SketchSpool


def with_dictionaries(keys_of: Mapping[int, np.ndarray]) -> list[tuple[int, int]]:
    holders: dict[int, list[int]] = defaultdict(list)
    shared: Counter[tuple[int, int]] = Counter()
    for place, keys in keys_of.items():
        for key in keys.tolist():
            shared.update((earlier, place) for earlier in holders[key][-LOOK_BACK:])
            holders[key].append(place)
    return sorted(pair for pair, count in shared.items() if count >= SHARED_KEYS)


def with_an_index(keys_of: Mapping[int, np.ndarray]) -> list[tuple[int, int]]:
    index = KeyIndex()
    for place, keys in keys_of.items():
        index.add(place, keys)
    return [(code >> 32, code & 0xFFFFFFFF) for code in index.pairs().tolist()]


def random_songs(seed: int) -> dict[int, np.ndarray]:
    """Songs with keys of their own, keys that many have, copies and half copies, gaps and songs without a key."""
    noise = np.random.default_rng(seed)
    common = noise.integers(0, 1 << 62, 12)
    found: dict[int, np.ndarray] = {}
    for place in range(0, 150):
        if noise.random() < 0.1:
            continue
        keys = noise.integers(0, 1 << 62, noise.integers(0, 20))
        keys = np.append(keys, noise.choice(common, noise.integers(0, 6)))
        if found and noise.random() < 0.3:
            other = found[int(noise.choice(list(found)))]
            keys = np.append(keys, other[: noise.integers(0, len(other) + 1)])
        found[place] = np.unique(keys)
    return found


@pytest.mark.parametrize("block_entries", [1, 50, 1 << 20])
def test_an_index_finds_the_pairs_that_dictionaries_find(
    block_entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "BLOCK_ENTRIES", block_entries)
    for seed in range(20):
        songs = random_songs(seed)
        expected = with_dictionaries(songs)
        assert len(expected) > 10, seed
        assert with_an_index(songs) == expected, seed
    assert with_an_index({}) == with_an_index({3: np.array([7, 8, 9])}) == []


def test_a_spool_gives_back_what_was_put_and_leaves_nothing() -> None:
    with SketchSpool() as spool:
        spool.put(4, (np.arange(5), None))
        spool.put(2, (np.empty(0, np.int64), np.array([1 << 61])))
        words, sound = spool.get(4)
        assert words is not None and words.tolist() == [0, 1, 2, 3, 4] and sound is None
        assert [None if one is None else one.tolist() for one in spool.get(2)] == [[], [1 << 61]]
