"""Phonemizer (`PhonemizerParams`, espeak-ng): words of lyrics to IPA pronunciations by language, in the symbols the released JAM checkpoint knows.

One phonemizer serves both sides of every comparison: the lyrics a model is asked for, the words a
recogniser was heard to say, and the phones that recogniser was trained on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eval.metrics.english_signs import read_signs
from eval.metrics.words import cut_runs
from eval.metrics.words import normalise_words as normalise_words  # the stages' name for it
from jam_model.words import Word
from tasks.engine.fingerprint import package_version
from tasks.engine.stage import BadModel
from tasks.languages.espeak import backend_of
from tasks.languages.phones import phones_of as phones_of
from tasks.languages.reading import Phonemizer as Phonemizer
from tasks.languages.reading import Pronunciation as Pronunciation  # what a phonemizer gives
from tasks.languages.table import DETECTOR, LANGUAGES, require_readers
from tasks.models.base import ModelChoice, RealModel
from tasks.models.interjections import interjection
from tasks.models.many_languages import (
    ENGLISH,
    LONGEST_RUNS,
    ManyLanguages,
    OneLanguage,
    SongLanguages,
    SongLanguagesParams,
    kept,
)

if TYPE_CHECKING:
    from phonemizer.backend import EspeakBackend

SYMBOLS = frozenset("abdefhijklmnoprstuvwxzæðŋɐɑɔəɛɝɡɪʃʊʌʒθɹɜˈˌːʔɾˑ'-.,?!:;_")
"""The released tokenizer's symbols, without its `<..>` tokens. Order and ids live in jam_model."""

REWRITES = (
    ("ɜːɹ", "ɝ"),  # an r-coloured vowel is one symbol in the CMU style the checkpoint was trained on
    ("ɜː", "ɝ"),
    ("əɹ", "ɝ"),
    ("ɚ", "ɝ"),
    ("ᵻ", "ɪ"),
    ("ɐ", "ə"),
    ("g", "ɡ"),  # ASCII letter to the IPA letter
    ("ɫ", "l"),
    ("l̩", "əl"),
    ("n̩", "ən"),
    ("ɒ", "ɑ"),
    ("ʲ", ""),
    ("̃", ""),
)
"""espeak-ng's English symbols that the table lacks, and what stands for them; applied in this order."""

AUTO = "auto"
OTHER_NAMES = {"cmn": "zh"}
"""What espeak-ng calls a language that it is not asked for."""
NOT_LATIN = (
    "am",
    "ar",
    "bg",
    "bn",
    "cmn",
    "el",
    "fa",
    "he",
    "hi",
    "hy",
    "ja",
    "ka",
    "ko",
    "ru",
    "sr",
    "ta",
    "uk",
)
"""Languages whose letters are not Latin; in all others such a letter has no reading."""


class DeepPhonemizerParams(RealModel):
    """`language`: one the checkpoint was trained on; the released one knows en_us."""

    language: str


class PhonemizerParams(ModelChoice):
    """`model`: embedded or deep_phonemizer. `language`: what the embedded one reads all songs in, a language of
    tasks/languages/table.py or another of espeak-ng, or ``auto``: each in its own, of `songs`. `symbols`: ``released`` are those of
    the released model, what it lacks is left out and counted; ``ipa`` all, for a model with a table of its own.
    """

    section: ClassVar = "models.phonemizer"
    real: ClassVar = {"deep_phonemizer": "tasks.models.real.deep_phonemizer"}

    language: str
    songs: SongLanguagesParams
    symbols: Literal["released", "ipa"]
    deep_phonemizer: DeepPhonemizerParams

    def shipped_identity(self) -> str:
        """Of espeak-ng in one language, or of the readers of several.

        Raises:
            BadModel: a package that reads one of the languages is not installed.
        """
        languages = self.song_languages
        if languages is None:
            return _identity(self.language)
        field = "language" if languages.fixed else "songs.languages"
        require_readers(languages.known, f"{self.section}.{field}", detects=languages.fixed is None)
        return _identity_of_many(languages, self.symbols)

    def identity(self) -> str:
        """See `ModelChoice.identity`.

        Raises:
            BadModel: a real model is to read several languages.
        """
        if self.settings is not None and self.language == AUTO:
            raise BadModel(
                f"{self.section}.language is auto and model {self.model!r}, which reads {self.chosen_language} alone; "
                "choose model embedded, or en-us"
            )
        return super().identity()

    @property
    def chosen_language(self) -> str:
        """The language that the chosen model reads."""
        return self.language if self.settings is None else self.deep_phonemizer.language

    @property
    def english(self) -> bool:
        """Whether the chosen model reads English alone, the only language of the released token table."""
        return self.chosen_language.startswith("en")

    @property
    def song_languages(self) -> SongLanguages | None:
        """Which languages songs have; None where espeak-ng or a real model reads all of them in one, word by word."""
        code = OTHER_NAMES.get(self.language, self.language)
        if self.settings is not None or code not in (AUTO, *LANGUAGES):
            return None
        songs = self.songs
        if code == AUTO:
            return SongLanguages(songs.languages, songs.default, songs.min_letters)
        return SongLanguages(tuple(dict.fromkeys((code, ENGLISH))), code, songs.min_letters, code)

    def decides(self) -> dict[str, Any]:
        """As `ModelChoice.decides`; what is said of many languages decides where there are any."""
        left_out = {"songs", "symbols"} if self.song_languages is None else set()
        return {key: value for key, value in super().decides().items() if key not in left_out}


def phonemized(
    words: Sequence[Word], phonemizer: Phonemizer, language: str | None = None
) -> tuple[list[Word], int]:
    """The words with their phonemes, and how many symbols had no counterpart; `language` as `in_language` has it."""
    said = in_language(phonemizer, [word.text for word in words], language)
    found = [replace(word, phonemes=one.phonemes) for word, one in zip(words, said, strict=True)]
    return found, sum(one.unknown for one in said)


def to_symbols(ipa: str) -> Pronunciation:
    """espeak-ng's IPA rewritten to the released symbols; what is left over is dropped and counted."""
    for theirs, ours in REWRITES:
        ipa = ipa.replace(theirs, ours)
    known = "".join(symbol for symbol in ipa if symbol in SYMBOLS)
    return Pronunciation(known, len(ipa) - len(known))


class EspeakPhonemizer(Phonemizer):
    """espeak-ng from its wheel (no system package), one word at a time, so that a word is always said
    alike whatever stands around it.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.identity = _identity(language)
        self._known: dict[str, Pronunciation] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without the library handle, which cannot travel to another process."""
        return {key: value for key, value in self.__dict__.items() if key != "_backend"}

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        """One pronunciation a word. A letter of a script the language does not use is left out (espeak-ng
        would name it, "Chinese letter") and counted in `unknown`.
        """
        new = sorted({word for word in words if word not in self._known})
        readable = [self._readable(word) for word in new]
        for word, text, ipa in zip(new, readable, self._ipa(readable), strict=True):
            said = to_symbols(ipa)
            foreign = sum(char.isalnum() for char in word) - sum(char.isalnum() for char in text)
            self._known[word] = Pronunciation(said.phonemes, said.unknown + foreign)
        return [self._known[word] for word in words]

    def _readable(self, word: str) -> str:
        if self.language.split("-")[0] in NOT_LATIN:
            return word
        return "".join(c for c in word if not c.isalpha() or "LATIN" in unicodedata.name(c, ""))

    def _ipa(self, texts: list[str]) -> list[str]:
        if not texts:
            return []
        lines = self._backend.phonemize([text or " " for text in texts], strip=True)
        return ["".join(line.split()) for line in lines]

    @cached_property
    def _backend(self) -> EspeakBackend:
        return backend_of(self.language, "remove-flags")


class LyricsPhonemizer(Phonemizer):
    """Any phonemizer, for words as lyrics have them: hums and hushes by the table, held letters cut, and in English
    signs read as words. Every other word the phonemizer within says alone; no word's text changes, only how it is said.
    """

    def __init__(self, within: Phonemizer, language: str) -> None:
        self.within = within
        self.identity = within.identity
        self.english = language.startswith("en")
        self.longest_run = LONGEST_RUNS.get(language[:2], 3)

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        """One pronunciation a word; see `Phonemizer.phonemize`."""
        hummed = {word: interjection(word, self.english) for word in words}
        read = {word: self._read(word) for word, ipa in hummed.items() if ipa is None}
        said = dict(zip(read, self.within.phonemize(list(read.values())), strict=True))
        said |= {word: Pronunciation(ipa, 0) for word, ipa in hummed.items() if ipa is not None}
        return [said[word] for word in words]

    def _read(self, word: str) -> str:
        """What is read in place of a word, mostly itself."""
        cut = cut_runs(word, self.longest_run)
        return read_signs(cut) if self.english else cut


def _identity(language: str) -> str:
    return f"embedded/espeak-{language}@2-{version('espeakng-loader')}"


def _identity_of_many(languages: SongLanguages, symbols: str) -> str:
    packages = [name for code in languages.known for name, _ in LANGUAGES[code].packages]
    packages += [] if languages.fixed else [DETECTOR[0]]
    versions = "".join(f"-{name}-{package_version(name)}" for name in dict.fromkeys(packages))
    song = languages.fixed or "+".join(languages.known)
    return f"embedded/languages-{song}-{symbols}@1-espeak-{version('espeakng-loader')}{versions}"


def build_phonemizer(params: PhonemizerParams) -> Phonemizer:
    """The phonemizer that `params.model` names, for words as lyrics have them."""
    languages = params.song_languages
    if languages is not None:
        english = LyricsPhonemizer(EspeakPhonemizer("en-us"), "en-us")
        fold = to_symbols if params.symbols == "released" else kept
        return ManyLanguages(params.identity(), languages, english.phonemize, fold)
    within: Phonemizer = EspeakPhonemizer(params.language) if params.settings is None else params.build_real()
    return LyricsPhonemizer(within, params.chosen_language)


def for_song(phonemizer: Phonemizer, language: str | None) -> Phonemizer:
    """The phonemizer for words of one song, of this language; None: it finds the language of each text, if it reads several."""
    if language is None or not isinstance(phonemizer, ManyLanguages):
        return phonemizer
    return OneLanguage(phonemizer, language)


def in_language(phonemizer: Phonemizer, words: Sequence[str], language: str | None) -> list[Pronunciation]:
    """One pronunciation a word of a song in this language; None: the phonemizer finds it, if it reads more than one."""
    if isinstance(phonemizer, ManyLanguages):
        return phonemizer.phonemize(words, language)
    return phonemizer.phonemize(words)
