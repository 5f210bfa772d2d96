"""Decoded audio at hand: within its bytes, whole or in part, the very samples, and not to be written to."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.storage.audio_cache import AudioCache


def mix(value: float) -> np.ndarray:
    return np.full((2, 10), value, np.float32)  # 80 bytes


def test_what_is_kept_comes_back_as_it_was_and_cannot_be_written_to() -> None:
    cache, first = AudioCache(200), mix(1.0)
    cache.keep("a", first)
    assert cache.get("a") is first and cache.get("b") is None
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 2.0


def test_songs_of_other_partitions_make_room_the_oldest_first_and_those_of_this_one_stay() -> None:
    cache = AudioCache(200)
    cache.work_on(0)
    for name in ("a", "b", "c"):
        cache.keep(name, mix(0.0))
    assert [cache.get(name) is None for name in ("a", "b", "c")] == [False, False, True], "a part of it"
    cache.get("a")
    cache.work_on(1)
    cache.keep("d", mix(0.0))
    assert [cache.get(name) is None for name in ("b", "a", "d")] == [True, False, False]
    assert cache.num_bytes == 160


def test_without_room_nothing_is_kept_and_no_song_larger_than_all_of_it() -> None:
    cache = AudioCache(79)
    cache.keep("a", mix(0.0))
    assert cache.get("a") is None and cache.num_bytes == 0
