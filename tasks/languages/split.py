"""How a line is split in a language that writes no blanks: Mandarin by its characters, Japanese by its reader's words.

A character of Mandarin is a syllable, a note and a label of its own in singing data, and error rates count it; words of pypinyin's
phrases would depend on its dictionary. A mora of Japanese is no unit of writing, and kanji have several.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import groupby

from tasks.languages.japanese import JapaneseReader
from tasks.languages.scripts import OTHER, letters_by_script, runs_of
from tasks.languages.table import LANGUAGES, script_language


def split_words(words: Sequence[str], song: str, known: Collection[str]) -> list[list[str]]:
    """The words that each of a text's pieces between blanks has; one where its language has blanks between words.

    `song`: the language of the song they are of; `known`: those that can be read.
    """
    han = "ja" if letters_by_script("".join(words))["kana"] else "zh"
    return [_split(word, song, known, han) for word in words]


def _split(word: str, song: str, known: Collection[str], han: str) -> list[str]:
    parts = [
        (OTHER if script == OTHER else script_language(script, song, known, han) or OTHER, text)
        for script, text in runs_of(word)
    ]
    found: list[str] = []
    joins = False
    for code, run in groupby(parts, key=lambda part: part[0]):
        text = "".join(text for _, text in run)
        split = "spaces" if code == OTHER else LANGUAGES[code].split
        if split != "spaces":
            found += _characters(text) if split == "characters" else _reader().words(text)
        elif joins:
            found[-1] += text
        else:
            found.append(text)
        joins = split == "spaces"
    return found


def _characters(text: str) -> list[str]:
    """Each sign of Han a word; digits and other signs are one with those beside them."""
    words: list[str] = []
    for char in text:
        if words and not char.isalpha() and not words[-1][-1].isalpha():
            words[-1] += char
        else:
            words.append(char)
    return words


@lru_cache(maxsize=1)
def _reader() -> JapaneseReader:
    return JapaneseReader()
