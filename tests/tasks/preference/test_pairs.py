"""Pairs come back from disk as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.preference.pairs import read_pairs, write_pairs
from tests.tasks.preference.test_dpo import pair


def test_pairs_come_back_as_written(tmp_path: Path) -> None:
    pairs = [pair(1), pair(2, num_frames=30)]
    written = write_pairs(tmp_path / "pairs", pairs)
    assert written.count == 2
    for before, after in zip(pairs, read_pairs(tmp_path / "pairs"), strict=True):
        assert after.prompt.words == before.prompt.words and after.prompt.song_id == before.prompt.song_id
        np.testing.assert_array_equal(after.winner_TC, before.winner_TC)
        np.testing.assert_array_equal(after.loser_TC, before.loser_TC)
        np.testing.assert_array_equal(after.prompt.std_TC, before.prompt.std_TC)


def test_the_hash_follows_what_is_written_and_not_where(tmp_path: Path) -> None:
    pairs = [pair(1), pair(2)]
    first, again = (write_pairs(tmp_path / name, pairs) for name in ("pairs", "again"))
    assert first.digest == again.digest != write_pairs(tmp_path / "other", pairs[::-1]).digest
    assert write_pairs(tmp_path / "none", []).count == 0
    assert read_pairs(tmp_path / "none") == []
