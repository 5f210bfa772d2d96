"""Phonemize: gives every word its phonemes, in the symbols of the released JAM checkpoint; unknown letters are remarked."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from jam_model.words import Word, rows_of, words_of
from tasks.engine.columns import Column
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Model, Section, Stage
from tasks.languages.table import LANGUAGES
from tasks.models.phonemizer import (
    SYMBOLS,
    PhonemizerParams,
    build_phonemizer,
    phonemized,
)
from tasks.songs.columns import WORD

OWN_TABLE = "models.phonemizer.symbols: ipa"


class PhonemizeParams(Section):
    """`max_unknown_share`: symbols without a counterpart, as a share of all symbols of the song."""

    max_unknown_share: float


class Phonemize(Stage):
    """The timed words with their phonemes."""

    name = "phonemize"
    version = 1
    reads = frozenset({"timed_words", "song_language"})
    params: PhonemizeParams
    phonemizer = Model(build_phonemizer)
    writes = {
        "words": Column(pa.list_(WORD), "the timed words with their phonemes: IPA in jamify's symbols"),
        "own_symbols": Column(
            pa.string(), "symbols of the words that jamify's table lacks, each once; empty = none"
        ),
        "phoneme_unknown": Column(pa.int32(), "symbols that had no counterpart and were left out"),
    }
    packages = ("phonemizer", "espeakng-loader")

    def __init__(self, params: PhonemizeParams, phonemizer: PhonemizerParams) -> None:
        super().__init__(params, phonemizer)
        self.phonemizer_params = phonemizer

    def one(self, song: Song) -> Song:
        """The song with its phonemes.

        Raises:
            SongError: ``phoneme_unknown``: too many symbols had no counterpart, or no word has a phoneme.
        """
        language = song.columns.get("song_language")
        words, unknown = phonemized(words_of(song["timed_words"]), self.phonemizer, language)
        known = sum(len(word.phonemes or "") for word in words)
        if not known or unknown > self.params.max_unknown_share * (known + unknown):
            detail = f"{unknown} of {known + unknown} symbols, share at most {self.params.max_unknown_share}"
            if language is not None:
                detail += (
                    f"; the words are {LANGUAGES[language].name}: needs a token table of its own, {OWN_TABLE}"
                )
            elif not self.phonemizer_params.english or _in_other_letters(words):
                detail += "; the words are not English: needs your own token table"
            raise SongError(song.song_id, "phoneme_unknown", detail)
        symbols = {symbol for word in words for symbol in word.phonemes or ""}
        own = "".join(sorted(symbols - SYMBOLS))
        return song.with_columns(words=rows_of(words), own_symbols=own, phoneme_unknown=unknown)


def _in_other_letters(words: Sequence[Word]) -> bool:
    """Whether half of all letters or more are none that English is written in."""
    letters = [letter for word in words for letter in word.text if letter.isalpha()]
    return 2 * sum(not letter.isascii() for letter in letters) >= len(letters) > 0
