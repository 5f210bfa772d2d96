"""Phones in IPA: what a string of phonemes has one after the other, for error rates, alignment and rough times."""

from __future__ import annotations

DOUBLE = ("aɪ", "aʊ", "eɪ", "oʊ", "ɔɪ", "tʃ", "dʒ", "tɕ", "dʑ", "tʂ")
"""Two symbols that are one phone: diphthongs and affricates."""
ASIDE = frozenset("ʰʲʷ\u0303\u0348\u0329\u032f")
"""Symbols that change the phone before them and are none: aspirated, soft, rounded, nasal, tense, syllabic or not."""
MARKS = frozenset("ˈˌːˑ'-.,?!:;_ ")
"""Symbols that are no phone: stress, length, boundaries and punctuation."""


def phones_of(phonemes: str) -> list[str]:
    """The phones in a string of phonemes: stress, length, `_` and punctuation removed, diphthongs and
    affricates one phone each, with the marks that change them. Works on the released model's phonemes as well as on
    those of any reader.
    """
    phones: list[str] = []
    plain = "".join(symbol for symbol in phonemes if symbol not in MARKS)
    i = 0
    while i < len(plain):
        size = 2 if plain[i : i + 2] in DOUBLE else 1
        while plain[i + size : i + size + 1] in ASIDE:
            size += 1
        phones.append(plain[i : i + size])
        i += size
    return phones
