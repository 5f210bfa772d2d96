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

from jam_model.words import Word
from tasks.models.base import ModelChoice, RealModel

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
    def english(self) -> bool:
        """Whether the chosen model reads English, the only language of the released token table."""
        chosen = self.language if self.settings is None else self.deep_phonemizer.language
        return chosen.startswith("en")


def normalise_words(text: str) -> list[str]:
    """The words of a line of lyrics: lower-case, NFKC, without punctuation.

    Apostrophes inside a word stay (all typographic forms become ``'``), those around it go; hyphens,
    dashes, slashes and underscores separate words; a comma between digits is dropped
    (``1,000`` -> ``1000``), digits stay digits (the phonemizer reads them aloud). Letters and their
    combining marks of every script are kept. ``&`` is read "and".
    """
    text = unicodedata.normalize("NFKC", text).lower().replace("&", " and ")
    kept = []
    for i, char in enumerate(text):
        before, after = text[i - 1 : i], text[i + 1 : i + 2]
        if char.isalnum() or unicodedata.category(char) in ("Mn", "Mc"):
            kept.append(char)
        elif char in "'’‘ʼ`´":
            kept.append("'")
        elif char == "," and before.isdigit() and after.isdigit():
            continue
        else:
            kept.append(" ")
    words = (word.strip("'") for word in "".join(kept).split())
    return [word for word in words if word]


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


def _identity(language: str) -> str:
    return f"embedded/espeak-{language}@1-{version('espeakng-loader')}"


def phonemizer_identity(params: PhonemizerParams) -> str:
    """Name and revision of the phonemizer `params` ask for, without building it."""
    return params.identity(_identity(params.language))


def build_phonemizer(params: PhonemizerParams) -> Phonemizer:
    """The phonemizer that `params.model` names."""
    return EspeakPhonemizer(params.language) if params.settings is None else params.build_real()
