"""A phonemizer of many languages: every word by the reader of its script (Han, kana, Latin) in a song of its language, English as always.

Han characters are Japanese in a Japanese song and Mandarin in a Mandarin one; a word in Latin letters in a song that is
written otherwise is English; a word with signs of several scripts is read part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from eval.metrics.words import cut_runs
from tasks.engine.stage import Section
from tasks.languages.detect import detect
from tasks.languages.readers import build_reader
from tasks.languages.reading import Phonemizer, Pronunciation, Reader
from tasks.languages.scripts import OTHER, letters_by_script, num_letters, runs_of
from tasks.languages.table import LANGUAGES, script_language
from tasks.models.interjections import interjection

ENGLISH = "en"
Phonemize = Callable[[Sequence[str]], list[Pronunciation]]
LONGEST_RUNS = {ENGLISH: 2, "et": 4}
"""Equal letters in a row that a word may be spelt with; 3 where compounds may join two and one (``Schifffahrt``)."""


class SongLanguagesParams(Section):
    """Of each song its own: one of `languages`, codes of tasks/languages/table.py; `default` where its text has fewer than
    `min_letters` Latin letters to tell by, and no other script. `uncovered`: a song in a language that the aligner does not
    hear is dropped, or kept, unchecked, where its lyrics time every word.
    """

    languages: tuple[str, ...] = Field(min_length=1)
    default: str
    min_letters: int = Field(ge=1)
    uncovered: Literal["drop", "keep"]

    @field_validator("languages")
    @classmethod
    def _are_known(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [code for code in languages if code not in LANGUAGES]:
            raise ValueError(f"{unknown[0]!r} cannot be read here; give some of {', '.join(LANGUAGES)}")
        return languages

    @model_validator(mode="after")
    def _has_its_default(self) -> Self:
        if self.default not in self.languages:
            raise ValueError(
                f"default is {self.default!r}; give one of languages: {', '.join(self.languages)}"
            )
        return self


@dataclass(frozen=True)
class SongLanguages:
    """Which languages songs have: each one of `known`, found by its text, or `default`; `fixed`: all have this one."""

    known: tuple[str, ...]
    default: str
    min_letters: int
    fixed: str | None = None

    def told(self, words: Sequence[str], given: str | None = None) -> str | None:
        """The language that someone gave a song or that its words are in; None where neither tells."""
        if self.fixed is not None:
            return self.fixed
        return given if given in self.known else detect(" ".join(words), self.known, self.min_letters)

    def of(self, words: Sequence[str], given: str | None = None) -> str:
        """The language of a song's words; what is given is believed, where it can be read."""
        return self.told(words, given) or self.default


class ManyLanguages(Phonemizer):
    """Reads songs of several languages; `english` reads what is English as an English song has it, and `fold` is what
    becomes of all other IPA.
    """

    def __init__(
        self,
        identity: str,
        languages: SongLanguages,
        english: Phonemize,
        fold: Callable[[str], Pronunciation],
    ) -> None:
        self.identity = identity
        self.languages = languages
        self.fold = fold
        self._english = english

    def __getstate__(self) -> dict[str, Any]:
        """Without the readers, some of which cannot travel to another process."""
        return {key: value for key, value in self.__dict__.items() if key != "_readers"}

    def phonemize(self, words: Sequence[str], language: str | None = None) -> list[Pronunciation]:
        """One pronunciation a word; `language`: the song's, where it is known."""
        song = self.languages.of(words, language)
        han = "ja" if letters_by_script("".join(words))["kana"] else "zh"
        parts = [
            (place, code, text)
            for place, word in enumerate(words)
            for code, text in self._parts(word, song, han)
        ]
        phonemes, unknown = [""] * len(words), [0] * len(words)
        for code, group in groupby(parts, key=lambda part: part[1]):
            run = list(group)
            for (place, _, _), said in zip(run, self._read(code, [text for *_, text in run]), strict=True):
                phonemes[place] += said.phonemes
                unknown[place] += said.unknown
        return [Pronunciation(*said) for said in zip(phonemes, unknown, strict=True)]

    def _parts(self, word: str, song: str, han: str) -> list[tuple[str | None, str]]:
        """A word in parts, each with the language it is read in (None: nobody reads it); `han`: whose Han characters are."""
        parts: list[tuple[str | None, str]] = []
        for script, text in runs_of(word):
            code = None if script == OTHER else script_language(script, song, self.languages.known, han)
            if parts and parts[-1][0] == code:
                text = parts.pop()[1] + text
            parts.append((code, text))
        return parts

    def _read(self, code: str | None, texts: Sequence[str]) -> list[Pronunciation]:
        if code is None:
            return [Pronunciation("", num_letters(text)) for text in texts]
        if code == ENGLISH:
            return self._english(texts)
        cut = [cut_runs(text, LONGEST_RUNS.get(code, 3)) for text in texts]
        hummed = [interjection(text, english=False) for text in cut]
        read = iter(
            self._reader(code).read([text for text, ipa in zip(cut, hummed, strict=True) if ipa is None])
        )
        said = [Pronunciation(ipa, 0) if ipa is not None else next(read) for ipa in hummed]
        return [
            self._english([text])[0] if one is None else self._folded(one)
            for text, one in zip(cut, said, strict=True)
        ]

    def _folded(self, said: Pronunciation) -> Pronunciation:
        folded = self.fold(said.phonemes)
        return Pronunciation(folded.phonemes, folded.unknown + said.unknown)

    def _reader(self, code: str) -> Reader:
        if code not in self._readers:
            self._readers[code] = build_reader(code)
        return self._readers[code]

    @cached_property
    def _readers(self) -> dict[str, Reader]:
        return {}


class OneLanguage(Phonemizer):
    """Reads words of one song, whose language is known, a line or all of them at a time."""

    def __init__(self, within: ManyLanguages, language: str) -> None:
        self.within, self.language = within, language
        self.identity = within.identity

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        """One pronunciation a word."""
        return self.within.phonemize(words, self.language)


def kept(ipa: str) -> Pronunciation:
    """IPA as it is, for a model that makes its own table of symbols."""
    return Pronunciation(ipa, 0)
