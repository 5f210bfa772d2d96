"""Phonemizer: words of lyrics to IPA, in the symbols the released JAM checkpoint knows.

One phonemizer serves both sides of every comparison: the lyrics a model is asked for, the words a
recogniser was heard to say, and the phones that recogniser was trained on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from eval.metrics.english_signs import read_signs
from eval.metrics.words import cut_runs
from eval.metrics.words import normalise_words as normalise_words  # the stages' name for it
from jam_model.words import Word
from tasks.models.base import ModelChoice, RealModel
from tasks.models.interjections import interjection

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

DOUBLE = ("aɪ", "aʊ", "eɪ", "oʊ", "ɔɪ", "tʃ", "dʒ")
"""Two symbols that are one phone: diphthongs and affricates."""
MARKS = frozenset("ˈˌːˑ'-.,?!:;_ ")
"""Symbols that are no phone: stress, length, boundaries and punctuation."""

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

LONGEST_RUNS = {"en": 2, "et": 4}
"""Equal letters in a row that a word may be spelt with; 3 where compounds may join two and one (``Schifffahrt``)."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a word is said: IPA in the released symbols, and how many symbols had no counterpart."""

    phonemes: str
    unknown: int


class Phonemizer(Protocol):
    """Words to IPA."""

    identity: str

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        """One pronunciation a word, in order; empty `phonemes` where a word cannot be said."""
        ...

    def phones(self, words: Sequence[str]) -> list[str]:
        """The phones of all words in a row (see `phones_of`), for phone error rates."""
        ...


class DeepPhonemizerParams(RealModel):
    """`language`: one the checkpoint was trained on; the released one knows en_us."""

    language: str


class PhonemizerParams(ModelChoice):
    """`model`: embedded or deep_phonemizer. `language`: what the embedded one reads, an espeak-ng language."""

    section: ClassVar = "models.phonemizer"
    real: ClassVar = {"deep_phonemizer": "tasks.models.real.deep_phonemizer"}

    language: str
    deep_phonemizer: DeepPhonemizerParams

    @property
    def chosen_language(self) -> str:
        """The language that the chosen model reads."""
        return self.language if self.settings is None else self.deep_phonemizer.language

    @property
    def english(self) -> bool:
        """Whether the chosen model reads English, the only language of the released token table."""
        return self.chosen_language.startswith("en")


def phonemized(words: Sequence[Word], phonemizer: Phonemizer) -> tuple[list[Word], int]:
    """The words with their phonemes, and how many symbols had no counterpart."""
    said = phonemizer.phonemize([word.text for word in words])
    found = [replace(word, phonemes=one.phonemes) for word, one in zip(words, said, strict=True)]
    return found, sum(one.unknown for one in said)


def phones_of(phonemes: str) -> list[str]:
    """The phones in a string of phonemes: stress, length, `_` and punctuation removed, diphthongs and
    affricates one phone each. Works on the released model's phonemes as well as on our own.
    """
    phones: list[str] = []
    plain = "".join(symbol for symbol in phonemes if symbol not in MARKS)
    i = 0
    while i < len(plain):
        size = 2 if plain[i : i + 2] in DOUBLE else 1
        phones.append(plain[i : i + size])
        i += size
    return phones


def to_symbols(ipa: str) -> Pronunciation:
    """espeak-ng's IPA rewritten to the released symbols; what is left over is dropped and counted."""
    for theirs, ours in REWRITES:
        ipa = ipa.replace(theirs, ours)
    known = "".join(symbol for symbol in ipa if symbol in SYMBOLS)
    return Pronunciation(known, len(ipa) - len(known))


class EspeakPhonemizer:
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

    def phones(self, words: Sequence[str]) -> list[str]:
        """The phones of all words in a row."""
        return [phone for said in self.phonemize(words) for phone in phones_of(said.phonemes)]

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
        import espeakng_loader
        from phonemizer.backend import EspeakBackend
        from phonemizer.backend.espeak.wrapper import EspeakWrapper

        EspeakWrapper.set_library(espeakng_loader.get_library_path())
        EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
        if not EspeakBackend.is_supported_language(self.language):
            raise ValueError(
                f"models.phonemizer.language: {self.language!r} is no language of espeak-ng; "
                "try en-us, or see phonemizer's `EspeakBackend.supported_languages()`"
            )
        return EspeakBackend(self.language, with_stress=True, language_switch="remove-flags")


class LyricsPhonemizer:
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

    def phones(self, words: Sequence[str]) -> list[str]:
        """The phones of all words in a row."""
        return [phone for said in self.phonemize(words) for phone in phones_of(said.phonemes)]

    def _read(self, word: str) -> str:
        """What is read in place of a word, mostly itself."""
        cut = cut_runs(word, self.longest_run)
        return read_signs(cut) if self.english else cut


def _identity(language: str) -> str:
    return f"embedded/espeak-{language}@2-{version('espeakng-loader')}"


def phonemizer_identity(params: PhonemizerParams) -> str:
    """Name and revision of the phonemizer `params` ask for, without building it."""
    return params.identity(_identity(params.language))


def build_phonemizer(params: PhonemizerParams) -> Phonemizer:
    """The phonemizer that `params.model` names, for words as lyrics have them."""
    within: Phonemizer = EspeakPhonemizer(params.language) if params.settings is None else params.build_real()
    return LyricsPhonemizer(within, params.chosen_language)
