"""A line's letters, each with the syllable it was written in, so that what is not sung can go and times still find their words."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.lyrics.parts.written import Line, Syllable

ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
TAG = re.compile(r"</?(?:i|b|u|em|strong|font|span|br|p|c|v|ruby|rt)\b[^<>]{0,80}>", re.IGNORECASE)
LOOK_ALIKES = str.maketrans(
    "АВЕКМНОРСТХІЅЈаеорсухіѕјԁɡΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXISJaeopcyxisjdgABEZHIKMNOPTYXo"
)
"""Cyrillic and Greek letters with the face of a Latin one."""
KEPT_FORMAT = "\u200c\u200d"  # they join letters of Persian, Urdu and Indian scripts


@dataclass
class Letters:
    """The letters of a line, and for each the number of its syllable."""

    line: Line
    text: str
    owners: list[int]

    @classmethod
    def of(cls, line: Line) -> Letters:
        owners = [place for place, syllable in enumerate(line.syllables) for _ in syllable.text]
        return cls(line, line.text, owners)

    def put(self, start: int, end: int, text: str) -> None:
        """Writes `text` over the letters from `start` to `end`."""
        owner = self.owners[start : start + 1] or self.owners[-1:]
        self.text = self.text[:start] + text + self.text[end:]
        self.owners[start:end] = owner * len(text)

    def replace(self, pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str] = " ") -> list[str]:
        """Every match becomes `by`; gives what was there."""
        found = list(pattern.finditer(self.text))
        for match in reversed(found):
            self.put(*match.span(), by if isinstance(by, str) else by(match))
        return [match[0].strip() for match in found]

    def words(self) -> Iterator[tuple[str, list[Syllable]]]:
        """The words that blanks leave, each with the syllables it was written in."""
        syllables = self.line.syllables
        matches = list(re.finditer(r"\S+", self.text))
        owners = [(self.owners[match.start()], self.owners[match.end() - 1]) for match in matches]
        for match, (first, last), after in zip(matches, owners, [*owners, (-1, -1)][1:], strict=True):
            last += 1
            while after[0] != last - 1 and last < len(syllables) and not syllables[last].text.strip():
                last += 1  # a note without text of its own holds the syllable before it
            yield match[0], [*syllables[first:last]]


def cleaned(letters: Letters) -> Iterator[tuple[str, str]]:
    """Takes out what stands in the text and is no letter of it; gives the kind and the text of each."""
    for kind, pattern, by in (
        ("entity", ENTITY, lambda match: html.unescape(match[0])),
        ("markup", TAG, lambda match: " " if match[0].lower().startswith(("<br", "<p", "</p")) else ""),
    ):
        yield from ((kind, found) for found in letters.replace(pattern, by))
    hidden = [place for place, letter in enumerate(letters.text) if _is_hidden(letter)]
    for place in reversed(hidden):
        letters.put(place, place + 1, "")
    if hidden:
        yield "invisible", letters.text
    for match in list(re.finditer(r"[^\W\d_]+", letters.text)):
        latin = match[0].translate(LOOK_ALIKES)
        if latin != match[0] and _is_latin(latin) and re.search(r"[a-zA-Z]", match[0]):
            yield "look_alike", match[0]
            letters.put(*match.span(), latin)


def _is_hidden(letter: str) -> bool:
    return letter not in KEPT_FORMAT and (unicodedata.category(letter) == "Cf" or letter in "\u034f\ufe0f")


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in word)
