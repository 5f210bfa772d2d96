"""What a reader or phonemizer (`Phonemizer`) gives (`Pronunciation`): how texts are said in IPA, cleaned of foreign marks, and what of them it could not read."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tasks.languages.phones import phones_of

REWRITES = (("g", "ɡ"), ("͡", ""), ("‿", ""), ("-", ""), ('u"', "ʉ"), ('"', ""), ("ɭ", "l"))
"""What readers write otherwise than the IPA has it: an ASCII g, ties, hyphens, and a quotation mark of espeak's Russian for a
vowel between soft consonants. No language here tells a retroflex l from another.
"""
APART = "c\u0327"
"""A letter of the IPA that is no letter with a mark."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a word is said: IPA, and how many letters or symbols had no counterpart."""

    phonemes: str
    unknown: int


class Reader(Protocol):
    """Texts of one language to IPA."""

    def read(self, texts: Sequence[str]) -> list[Pronunciation | None]:
        """One pronunciation a text, in the order they are sung, for what stands beside a word may decide how it is
        said; None for a word that the reader takes for English.
        """
        ...


class Phonemizer(Protocol):
    """Words to IPA."""

    identity: str

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        """One pronunciation a word, in order; empty `phonemes` where a word cannot be said."""
        ...

    def phones(self, words: Sequence[str]) -> list[str]:
        """The phones of all words in a row (see `phones_of`), for phone error rates."""
        return [phone for said in self.phonemize(words) for phone in phones_of(said.phonemes)]


def cleaned(ipa: str) -> str:
    """IPA a symbol a code point: marks apart from their letters, no blanks, nothing that is no IPA."""
    ipa = unicodedata.normalize("NFD", "".join(ipa.split())).replace(APART, "\u00e7")
    for theirs, ours in REWRITES:
        ipa = ipa.replace(theirs, ours)
    return ipa
