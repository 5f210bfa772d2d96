"""Katakana as a reader writes what is said, to phones: a mora after the other."""

from __future__ import annotations

VOWELS = {"a": "a", "i": "i", "u": "ɯ", "e": "e", "o": "o"}
ROWS = {
    "": "アイウエオ",
    "k": "カキクケコ",
    "ɡ": "ガギグゲゴ",
    "s": "サ　スセソ",
    "z": "ザ　ズゼゾ",
    "t": "タ　　テト",
    "d": "ダ　　デド",
    "n": "ナ　ヌネノ",
    "h": "ハ　　ヘホ",
    "b": "バビブベボ",
    "p": "パピプペポ",
    "m": "マミムメモ",
    "j": "ヤ　ユ　ヨ",
    "ɾ": "ラリルレロ",
    "w": "ワ　　　　",
}
"""Consonants with the kana of a, i, u, e, o; blanks stand where the sound is another."""
SINGLE = {
    "シ": "ɕi",
    "ジ": "dʑi",
    "チ": "tɕi",
    "ヂ": "dʑi",
    "ツ": "tsɯ",
    "ヅ": "zɯ",
    "ニ": "ɲi",
    "ヒ": "çi",
    "フ": "ɸɯ",
    "ヲ": "o",
    "ヰ": "i",
    "ヱ": "e",
    "ヴ": "vɯ",
    "ン": "ɴ",
    "ッ": "ʔ",
}
BEFORE_SMALL = {
    **{kana: f"{consonant}j" for kana, consonant in zip("キギビピミリ", "kɡbpmɾ", strict=True)},
    "シ": "ɕ",
    "ジ": "dʑ",
    "チ": "tɕ",
    "ヂ": "dʑ",
    "ニ": "ɲ",
    "ヒ": "ç",
}
"""What a kana is before a small ya, yu, yo or e."""
SMALL_Y, SMALL = {"ャ": "a", "ュ": "ɯ", "ョ": "o"}, {"ァ": "a", "ィ": "i", "ゥ": "ɯ", "ェ": "e", "ォ": "o"}
BORROWED = {
    "フ": "ɸ",
    "ヴ": "v",
    "ツ": "ts",
    "ウ": "w",
    "テ": "t",
    "デ": "d",
    "ト": "t",
    "ド": "d",
    "ク": "kw",
    "グ": "ɡw",
    "ス": "s",
    "ズ": "z",
    "イ": "j",
}
"""What a kana is before another small vowel, in borrowed words: ファ, ティ, ウェ."""
KEEP_J = frozenset({"テ", "デ", "フ", "ヴ"})  # テュ, デュ, フュ, ヴュ
SILENT = "’'、。・！？　"


def _morae() -> dict[str, str]:
    vowels = [*VOWELS.values()]
    table = {
        kana: consonant + vowel
        for consonant, row in ROWS.items()
        for kana, vowel in zip(row, vowels, strict=True)
        if kana.strip()
    }
    table |= SINGLE
    for kana, consonant in BEFORE_SMALL.items():
        table |= {kana + small: consonant + vowel for small, vowel in {**SMALL_Y, "ェ": "e"}.items()}
    for kana, consonant in BORROWED.items():
        table |= {kana + small: consonant + vowel for small, vowel in SMALL.items()}
        if kana in KEEP_J:
            table |= {kana + small: f"{consonant}j{vowel}" for small, vowel in SMALL_Y.items()}
    return table | SMALL | {small: f"j{vowel}" for small, vowel in SMALL_Y.items()}


MORAE = _morae()
"""Phones of every mora, of one kana or of two."""


def phones_of_kana(kana: str, before: str = "") -> tuple[str, int]:
    """Phones of katakana, and how many signs are none. A long mark at the start holds the vowel that ends `before`."""
    phones, unknown, place = "", 0, 0
    while place < len(kana):
        if kana[place] == "ー":
            held = next((sign for sign in reversed(before) if sign != "ː"), "")
            phones += "ː" if phones else held if held in VOWELS.values() else ""
            place += 1
            continue
        size = 2 if kana[place : place + 2] in MORAE else 1
        if kana[place : place + size] in MORAE:
            phones += MORAE[kana[place : place + size]]
        elif kana[place] not in SILENT:
            unknown += 1
        place += size
    return phones, unknown
