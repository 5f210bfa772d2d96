"""Hums, hushes and sung syllables with their IPA: what a reader of words spells letter by letter, or stumbles over.

Each entry was held against espeak-ng: one that it says as it is sung is not here. Phones are those of the released
symbols; a length mark where the sound is held.
"""

from __future__ import annotations

import re

WITHOUT_VOWEL = {
    "m{2,}": "mː",
    "h+m+": "həm",
    "h+m+p+h+": "həmf",
    "m+h+m+": "mhəm",
    "s+h+": "ʃː",
    "s{2,}": "sː",
    "z{2,}": "zː",
    "r{2,}": "ɝ",
    "p+s+t+": "pst",
    "p+s+h+": "pʃ",
    "p+f+": "pf",
    "p+f+t+": "pft",
    "t+s+": "ts",
    "t+s+k+": "tɪsk",
    "(?:tsk){2,}": "tɪsktɪsk",
    "b+z{2,}": "bz",
    "b+r{2,}": "bɝ",
    "b+r+[tp]+": "bɝt",
    "g+r{2,}": "ɡɝ",
    "s+k+r+t+": "skɝt",
}
"""Patterns that no language has as a word: read alike in all that are written in Latin letters."""
WITH_VOWEL = {
    "a{2,}h*": "ɑː",
    "o{2,}h*": "uː",
    "e{2,}": "iː",
    "i{3,}": "aɪ",
    "u{2,}": "uː",
    "wo{2,}h*": "wuː",
    "o+w+": "aʊ",
    "u+h+u+h+": "ʌhʌ",
    "m+wa+h*": "mwɑː",
    "la+": "lɑː",
    "doo+wo+p+": "duːwɑːp",
}
"""Patterns read so in English."""
SYLLABLES = {
    "la": "lɑː",
    "na": "nɑː",
    "da": "dɑː",
    "ba": "bɑː",
    "ha": "hɑː",
    "ya": "jɑː",
    "sha": "ʃɑː",
    "he": "hɛ",
    "ho": "hoʊ",
    "doo": "duː",
}
"""Syllables that are sung in a row as one word: ``lalala``, ``hahaha``."""

_EVERYWHERE = [(re.compile(pattern), ipa) for pattern, ipa in WITHOUT_VOWEL.items()]
_ENGLISH = [(re.compile(pattern), ipa) for pattern, ipa in WITH_VOWEL.items()]
_IN_A_ROW = re.compile(rf"({'|'.join(SYLLABLES)})\1+")


def interjection(word: str, english: bool) -> str | None:
    """The phonemes of a hum, a hush or a sung syllable; None for any other word."""
    word = word.lower()
    for pattern, ipa in _EVERYWHERE + (_ENGLISH if english else []):
        if pattern.fullmatch(word):
            return ipa
    if english and (found := _IN_A_ROW.fullmatch(word)):
        return SYLLABLES[found[1]] * (len(word) // len(found[1]))
    return None
