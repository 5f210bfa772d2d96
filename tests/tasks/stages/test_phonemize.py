"""Phonemize writes phonemes in jamify's symbols and drops songs it cannot spell."""

from __future__ import annotations

import pytest

from flows.settings.params import load_params
from jam_model.lyric_grid import SYMBOLS
from tasks.engine.song import SongError
from tasks.stages.phonemize import Phonemize, PhonemizeParams
from tests.tasks.tiny import given, timed

STAGE = Phonemize(PhonemizeParams(max_unknown_share=0.1), load_params().models.phonemizer)


def test_phonemize_spells_every_word_in_the_released_symbols() -> None:
    song = STAGE.one(given("a.wav", timed_words=timed(("hello", 0, 1), ("moon", 1, 2))))
    hello, moon = (word["phonemes"] for word in song["words"])
    assert song["phoneme_unknown"] == 0 and set(hello + moon) <= SYMBOLS.keys()
    assert moon.startswith("m")


@pytest.mark.parametrize("words", [["月亮", "月亮", "moon"], ["月"]])
def test_a_song_with_too_many_unknown_symbols_is_dropped(words: list[str]) -> None:
    with pytest.raises(SongError) as error:
        STAGE.one(given("a.wav", timed_words=timed(*((word, i, i + 1) for i, word in enumerate(words)))))
    assert error.value.reason == "phoneme_unknown"
    assert "the words are not English: needs your own token table" in error.value.detail


def test_a_few_unknown_symbols_are_counted_and_pass() -> None:
    words = timed(*((word, i, i + 1) for i, word in enumerate(["moon"] * 20 + ["月"])))
    assert STAGE.one(given("a.wav", timed_words=words))["phoneme_unknown"] == 1
