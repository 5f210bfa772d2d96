"""Scripts: which one a letter is of, and the runs of one script in a word."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from tasks.languages.table import Script

_NAMES: tuple[tuple[str, Script], ...] = (
    ("LATIN", "latin"),
    ("FULLWIDTH LATIN", "latin"),
    ("CYRILLIC", "cyrillic"),
    ("HANGUL", "hangul"),
    ("HIRAGANA", "kana"),
    ("KATAKANA", "kana"),
    ("CJK", "han"),
    ("IDEOGRAPHIC ITERATION", "han"),
    ("IDEOGRAPHIC NUMBER", "han"),
)
OTHER = "other"
"""A letter of a script that no language here is written in."""


class Run(NamedTuple):
    """A stretch of a word in one script; None: it has digits and signs alone."""

    script: str | None
    text: str


@lru_cache(maxsize=1 << 16)
def script_of(char: str) -> str | None:
    """The script of a letter, `other` for one that no language here has; None for what is no letter."""
    name = unicodedata.name(char, "")
    found = next((script for start, script in _NAMES if name.startswith(start)), None)
    return found or (OTHER if char.isalpha() else None)


def runs_of(word: str) -> list[Run]:
    """A word as runs of one script, kana and Han together; signs and digits stay with what stands before them."""
    scripts: list[str | None] = []
    for char in word:
        script = script_of(char)
        scripts.append(script if script is not None else scripts[-1] if scripts else None)
    first = next((script for script in scripts if script is not None), None)
    marked = [(script or first, char) for script, char in zip(scripts, word, strict=True)]
    return [
        Run(script, "".join(char for _, char in run))
        for script, run in groupby(marked, key=lambda one: one[0])
    ]


def letters_by_script(text: str) -> Counter[str]:
    """How many letters of each script a text has."""
    return Counter(script for script in map(script_of, text) if script is not None)


def num_letters(text: str) -> int:
    """Letters and digits of a text: what is lost where nobody can read it."""
    return sum(char.isalnum() for char in text)
