"""Mandarin: pypinyin reads characters in their phrase, a table of initials and finals makes phones of the pinyin.

Without tones: a melody takes their place, and singing data (Opencpop among them) is labelled without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.languages.reading import Pronunciation
from tasks.languages.scripts import num_letters

INITIALS = {
    "b": "p",
    "p": "pʰ",
    "m": "m",
    "f": "f",
    "d": "t",
    "t": "tʰ",
    "n": "n",
    "l": "l",
    "g": "k",
    "k": "kʰ",
    "h": "x",
    "j": "tɕ",
    "q": "tɕʰ",
    "x": "ɕ",
    "zh": "tʂ",
    "ch": "tʂʰ",
    "sh": "ʂ",
    "r": "ɻ",
    "z": "ts",
    "c": "tsʰ",
    "s": "s",
}
FINALS = {
    "a": "a",
    "o": "wo",
    "e": "ɤ",
    "ê": "ɛ",
    "ai": "aɪ",
    "ei": "eɪ",
    "ao": "aʊ",
    "ou": "oʊ",
    "an": "an",
    "en": "ən",
    "ang": "aŋ",
    "eng": "əŋ",
    "ong": "ʊŋ",
    "i": "i",
    "ia": "ja",
    "ie": "jɛ",
    "iao": "jaʊ",
    "iu": "joʊ",
    "ian": "jɛn",
    "in": "in",
    "iang": "jaŋ",
    "ing": "iŋ",
    "iong": "jʊŋ",
    "u": "u",
    "ua": "wa",
    "uo": "wo",
    "uai": "waɪ",
    "ui": "weɪ",
    "uan": "wan",
    "un": "wən",
    "uang": "waŋ",
    "ü": "y",
    "üe": "ɥɛ",
    "üan": "ɥɛn",
    "ün": "yn",
}
ALONE = {
    "o": "o",
    "er": "ɚ",
    "m": "m",
    "n": "n",
    "ng": "ŋ",
    "hm": "xm",
    "hng": "xŋ",
    "lo": "lo",
    "yi": "i",
    "ya": "ja",
    "ye": "jɛ",
    "yao": "jaʊ",
    "you": "joʊ",
    "yan": "jɛn",
    "yin": "in",
    "yang": "jaŋ",
    "ying": "iŋ",
    "yong": "jʊŋ",
    "yo": "jo",
    "wu": "u",
    "wa": "wa",
    "wo": "wo",
    "wai": "waɪ",
    "wei": "weɪ",
    "wan": "wan",
    "wen": "wən",
    "wang": "waŋ",
    "weng": "wəŋ",
    "wong": "wʊŋ",
    "yu": "y",
    "yue": "ɥɛ",
    "yuan": "ɥɛn",
    "yun": "yn",
}
"""Syllables without an initial, as they are spelt, and a few that follow no rule."""
BUZZED = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})
"""Initials before which an i is no i but the consonant held."""


def phones_of_pinyin(syllable: str) -> str | None:
    """IPA of a syllable of pinyin without its tone (``lü``, ``zhuang``); None for what is no syllable."""
    if syllable in ALONE:
        return ALONE[syllable]
    initial = next((syllable[:size] for size in (2, 1) if syllable[:size] in INITIALS), "")
    final = syllable[len(initial) :]
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = "ü" + final[1:]
    if initial in BUZZED and final == "i":
        return INITIALS[initial] + "ɨ"
    return INITIALS.get(initial, "") + FINALS[final] if final in FINALS else None


def _unread(chars: str) -> Any:
    """A sign for each character without a reading; pypinyin takes a list, though its types say text."""
    return ["?"] * len(chars)


class MandarinReader:
    """pypinyin: a character with several readings takes that of its phrase, so texts are read in a row."""

    def read(self, texts: Sequence[str]) -> list[Pronunciation | None]:
        """See `Reader.read`; a character without a reading is counted."""
        from pypinyin import Style, lazy_pinyin

        row = "".join(texts)
        syllables = lazy_pinyin(row, style=Style.NORMAL, v_to_u=True, errors=_unread)
        if len(syllables) != len(row):
            raise RuntimeError(f"pypinyin gave {len(syllables)} syllables of {len(row)} characters")
        said, left = [], iter(syllables)
        for text in texts:
            phones = [(char, phones_of_pinyin(next(left))) for char in text]
            lost = sum(num_letters(char) for char, found in phones if found is None)
            said.append(Pronunciation("".join(found or "" for _, found in phones), lost))
        return list(said)
