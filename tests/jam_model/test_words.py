"""A word is refused when it cannot be one, and comes back unchanged from a row and from jamify's JSON."""

from __future__ import annotations

import math
from typing import Any

import pytest

from jam_model.words import Word, input_times_of, rows_of, rows_of_input_times, words_of
from tests.every import every

LOVE = Word("love", 0.1, 0.6, "lˈʌv", 0.9)


@every("times_s", [(-0.1, 1.0), (1.0, 0.5), (math.nan, 1.0), (0.0, math.nan)])
def test_times_out_of_order_or_below_zero_are_refused(times_s: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="seconds in order"):
        Word("la", *times_s)


@every("score", [-0.1, 1.1, math.nan])
def test_a_score_is_a_share(score: float) -> None:
    assert Word("la", 0.0, 0.0, score=1.0).score == 1.0
    with pytest.raises(ValueError, match="score"):
        Word("la", 0.0, 1.0, score=score)


def test_words_come_back_from_their_rows() -> None:
    words = [LOVE, Word("la", 1.0, 2.0)]
    assert words_of(rows_of(words)) == words
    assert rows_of(words)[0] == {
        "text": "love", "start_s": 0.1, "end_s": 0.6, "phonemes": "lˈʌv", "score": 0.9
    }  # fmt: skip


def test_input_times_come_back_from_rows_that_may_lack_a_time_or_an_end() -> None:
    words = [LOVE, None, Word("la", 1.0, math.inf)]
    rows = rows_of_input_times(words)
    assert input_times_of(rows) == words
    assert (rows[1], rows[2]) == (None, {**rows_of([Word("la", 1.0, 2.0)])[0], "end_s": None})
    assert input_times_of([{"text": "la", "start_s": 1.0, "end_s": math.nan}]) == [Word("la", 1.0, math.inf)]


def test_the_json_entry_is_jamifys_and_keeps_all_but_the_score() -> None:
    entry = LOVE.to_json()
    assert entry == {"start": 0.1, "end": 0.6, "phoneme": "lˈʌv", "word": "love"}
    assert Word.from_json(entry) == Word("love", 0.1, 0.6, "lˈʌv")
    assert "phoneme" not in Word("love", 0.1, 0.6).to_json(), "not phonemized is not the same as no phonemes"
    assert Word.from_json({"start": 0, "end": 1, "phoneme": "x"}).to_json()["word"] is None


@every(
    "entry",
    [
        {"end": 1.0},
        {"start": "0", "end": 1.0},
        {"start": False, "end": 1.0},
        {"start": 0.0, "end": math.inf},
        {"start": 0.0, "end": 10**400},
        {"start": math.nan, "end": 1.0},
        {"start": 2.0, "end": 1.0},
        {"start": 0.0, "end": 1.0, "phoneme": 3},
    ],
)
def test_a_foreign_entry_is_refused_where_times_or_phoneme_are_none(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"lasts from|has the phoneme"):
        Word.from_json(entry)


def test_a_word_is_cut_to_the_song_and_rounded() -> None:
    assert Word("la", 3.0, math.inf).within(2.5) == Word("la", 2.5, 2.5)
    assert LOVE.within(9.0) == LOVE
    assert Word("la", 1 / 3, 2 / 3).rounded(2) == Word("la", 0.33, 0.67)
