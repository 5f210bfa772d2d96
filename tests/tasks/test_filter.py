"""Filter keeps a song or drops it with the first reason that holds."""

from __future__ import annotations

import pytest

from tasks.engine.song import SongError
from tasks.filter import Filter, FilterParams
from tests.tasks.tiny import given, timed

PARAMS = FilterParams(
    min_duration_s=2.0,
    max_duration_s=60.0,
    min_words=2,
    max_words_per_s=3.0,
    max_word_s=8.0,
    max_overlap_share=0.25,
)
WORDS = timed(("hello", 0, 1), ("moon", 1, 2))


def test_filter_keeps_a_good_song() -> None:
    assert Filter(PARAMS).one(given("a.wav", words=WORDS, duration_s=2.0))["kept"] is True


@pytest.mark.parametrize(
    ("reason", "duration_s", "words"),
    [
        ("duration_short", 1.9, WORDS),
        ("duration_long", 60.1, WORDS),
        ("words_few", 10, WORDS[:1]),
        ("words_few", 10, []),
        ("words_fast", 10, timed(*((f"w{i}", i / 5, i / 5 + 0.1) for i in range(20)))),
        ("word_long", 20, timed(("hello", 0, 1), ("moon", 1, 9.5))),
        ("words_overlap", 10, timed(("hello", 0, 1), ("moon", 0.5, 2))),
    ],
)
def test_filter_drops_a_song_with_its_reason(reason: str, duration_s: float, words: list[dict]) -> None:
    with pytest.raises(SongError) as error:
        Filter(PARAMS).one(given("a.wav", words=words, duration_s=duration_s))
    assert (error.value.song_id, error.value.reason) == ("tiny-0123456789ab", reason)
