"""What a language of toy lyrics is: words (lexemes) with their stressed syllables, lines as sequences of kinds of words, voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

STRESS, LONG = "'", ":"


@dataclass(frozen=True)
class Lexeme:
    """A word: its syllables as they are written, and what of it makes it long.

    stressed: a syllable bears stress (a word of content, not of grammar).
    long: a syllable has a long vowel or a diphthong.
    """

    text: str
    syllables: tuple[str, ...]
    stressed: bool
    long: bool


@dataclass(frozen=True)
class Voice:
    """An espeak voice, and the MIDI notes between which it sings."""

    name: str
    singer: str
    low_midi: int
    high_midi: int


@dataclass(frozen=True)
class Language:
    """A vocabulary by kind, and what kinds follow one another in a line. `joined`: written without spaces."""

    code: str
    kinds: Mapping[str, tuple[Lexeme, ...]]
    lines: tuple[tuple[str, ...], ...]
    voices: tuple[Voice, ...]
    ad_libs: tuple[Lexeme, ...]

    @property
    def vocabulary(self) -> tuple[Lexeme, ...]:
        """Every word once, in the order of its text."""
        of_text = {word.text: word for words in (*self.kinds.values(), self.ad_libs) for word in words}
        return tuple(of_text[text] for text in sorted(of_text))

    def line(self, rng: np.random.Generator) -> tuple[Lexeme, ...]:
        """The words of one line."""
        kinds = self.lines[rng.integers(len(self.lines))]
        return tuple(self.kinds[kind][rng.integers(len(self.kinds[kind]))] for kind in kinds)


def lexeme(marked: str) -> Lexeme:
    """A word from its marked form: a hyphen at syllable breaks, ' before a stressed syllable, : after a long one."""
    plain = marked.replace(STRESS, "").replace(LONG, "")
    return Lexeme(plain.replace("-", ""), tuple(plain.split("-")), STRESS in marked, LONG in marked)


def language(
    code: str, kinds: Mapping[str, str], lines: Sequence[str], ad_libs: str, singers: Sequence[str]
) -> Language:
    """A language from texts: marked words and kinds with spaces between them.

    singers: espeak variants. Female ones begin with f.
    """
    return Language(
        code,
        {kind: tuple(map(lexeme, words.split())) for kind, words in kinds.items()},
        tuple(tuple(line.split()) for line in lines),
        tuple(_voice(name) for name in singers),
        tuple(map(lexeme, ad_libs.split())),
    )


def _voice(name: str) -> Voice:
    female = name.partition("+")[2].startswith("f")
    return Voice(name, "female voice", 56, 68) if female else Voice(name, "male voice", 45, 57)
