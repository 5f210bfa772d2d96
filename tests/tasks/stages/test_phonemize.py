"""Phonemize writes phonemes in jamify's symbols and drops songs it cannot spell."""

from __future__ import annotations

import pytest

from flows.settings.params import load_params
from jam_model.lyric_grid import SYMBOLS
from tasks.engine.song import SongError
from tasks.stages.phonemize import Phonemize, PhonemizeParams
from tests.every import every
from tests.tasks.tiny import given, timed

STAGE = Phonemize(PhonemizeParams(max_unknown_share=0.1), load_params().models.phonemizer)


def test_phonemize_spells_every_word_in_the_released_symbols() -> None:
    song = STAGE.one(given("a.wav", timed_words=timed(("hello", 0, 1), ("moon", 1, 2))))
    hello, moon = (word["phonemes"] for word in song["words"])
    assert song["phoneme_unknown"] == 0 and set(hello + moon) <= SYMBOLS.keys()
    assert moon.startswith("m")


@every("words", [["月亮", "月亮", "moon"], ["月"]])
def test_a_song_with_too_many_unknown_symbols_is_dropped(words: list[str]) -> None:
    with pytest.raises(SongError) as error:
        STAGE.one(given("a.wav", timed_words=timed(*((word, i, i + 1) for i, word in enumerate(words)))))
    assert error.value.reason == "phoneme_unknown"
    assert "the words are not English: needs your own token table" in error.value.detail


def test_symbols_beyond_the_released_are_told_or_the_song_is_dropped_with_its_language() -> None:
    german = given("a.wav", timed_words=timed(("über", 0, 1), ("dich", 1, 2)), song_language="de")
    for symbols, least in (("ipa", 0.0), ("released", 0.1)):
        params = load_params().models.phonemizer.model_copy(update={"language": "de", "symbols": symbols})
        stage = Phonemize(PhonemizeParams(max_unknown_share=least), params)
        if symbols == "ipa":
            assert set(stage.one(german)["own_symbols"]) == {"y", "ç", "ɜ"} - SYMBOLS.keys()
            continue
        with pytest.raises(SongError, match="the words are German: needs a token table of its own"):
            stage.one(german)


def test_a_few_unknown_symbols_are_counted_and_pass() -> None:
    words = timed(*((word, i, i + 1) for i, word in enumerate(["moon"] * 20 + ["月"])))
    assert STAGE.one(given("a.wav", timed_words=words))["phoneme_unknown"] == 1
