"""A word (or phone) in time (`Word`: start, end, phonemes, score): the one record of it, from lyrics files over table rows to the lyric grid.

It is stored in two forms: as a row of a table, which has the fields by their names, and as an entry of jamify's lyrics
JSON (``{"word", "start", "end", "phoneme"}``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeGuard

MAX_SECONDS = 1_000_000
PHONES = "phones"
"""The column and the member of a sample that hold phones in time."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a line of words joined by blanks, with its seconds from the song's start.

    Attributes:
        end_s: inf where nobody stated it.
        phonemes: IPA, one character a symbol; empty where it cannot be pronounced, None where it was not phonemized.
        score: how well it fits the audio there, in [0, 1]; None where nobody compared them.

    Raises:
        ValueError: times below 0 or out of order, or a score out of range.
    """

    text: str
    start_s: float
    end_s: float
    phonemes: str | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start_s <= self.end_s:
            raise ValueError(f"lasts from {self.start_s!r} to {self.end_s!r}; give seconds in order, from 0")
        if self.score is not None and not 0 <= self.score <= 1:
            raise ValueError(f"has the score {self.score!r}; give a share in [0, 1]")

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Word:
        """The word of a JSON entry, whoever wrote it; without a ``word`` its text is empty.

        Raises:
            ValueError: times that are no seconds in order, or a phoneme that is no text.
        """
        start_s, end_s, phonemes, text = map(entry.get, ("start", "end", "phoneme", "word"))
        if not (_is_time(start_s) and _is_time(end_s)):
            raise ValueError(f"lasts from {start_s!r} to {end_s!r}; give seconds below {MAX_SECONDS}")
        if phonemes is not None and not isinstance(phonemes, str):
            raise ValueError(f"has the phoneme {phonemes!r}; give a text of IPA")
        return cls(text if isinstance(text, str) else "", float(start_s), float(end_s), phonemes)

    def to_json(self) -> dict[str, Any]:
        """The entry that `from_json` reads; a word that was not phonemized has no ``phoneme``."""
        entry = {"word": self.text or None, "start": self.start_s, "end": self.end_s}
        return entry if self.phonemes is None else entry | {"phoneme": self.phonemes}

    def within(self, duration_s: float) -> Word:
        """The word in a song of this length: times after its end become its end."""
        return replace(self, start_s=min(self.start_s, duration_s), end_s=min(self.end_s, duration_s))

    def rounded(self, decimals: int) -> Word:
        """The word with times of so many decimals."""
        return replace(self, start_s=round(self.start_s, decimals), end_s=round(self.end_s, decimals))


def words_of(rows: Iterable[Mapping[str, Any]]) -> list[Word]:
    """The words of rows, as `rows_of` writes them."""
    return [Word(**row) for row in rows]


def rows_of(words: Iterable[Word]) -> list[dict[str, Any]]:
    """A row a word."""
    return [{name: getattr(word, name) for name in Word.__slots__} for word in words]


def phones_by_word(rows: Any, num_words: int) -> list[list[Word]]:
    """The phones in time of each of `num_words` words out of rows ``{"word", "phone", "start_s", "end_s", "score"}``; an empty list for
    a word without any, and for all where there are no rows (None).

    Raises:
        ValueError: another form, a word that is none of them, or times that are no seconds in order.
    """
    if rows is not None and not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        raise ValueError("is no list of phones with word, phone, start_s, end_s and score; pack again")
    phones: list[list[Word]] = [[] for _ in range(num_words)]
    for number, row in enumerate(rows or ()):
        word, text, start_s, end_s, score = map(row.get, ("word", "phone", "start_s", "end_s", "score"))
        if type(word) is not int or not 0 <= word < num_words or not isinstance(text, str) or not text:
            raise ValueError(
                f"phone {number} is {text!r} of word {word!r}; give a text, of word 0 to {num_words - 1}"
            )
        if not (_is_time(start_s) and _is_time(end_s)) or not isinstance(score, int | float | None):
            raise ValueError(
                f"phone {number} lasts from {start_s!r} to {end_s!r}; give seconds below {MAX_SECONDS}"
            )
        before = phones[word][-1:]
        try:
            phones[word].append(Word(text, float(start_s), float(end_s), score=score))
        except ValueError as error:
            raise ValueError(f"phone {number} {error}") from error
        if before and start_s < before[0].start_s:
            raise ValueError(
                f"phone {number} begins at {start_s} s, before the one in front of it; give them in order"
            )
    return phones


def beats_of(rows: Any, name: str) -> tuple[float, ...]:
    """The beats in a member `beats_s` of a sample: seconds in order, or null where nobody heard any.

    Raises:
        ValueError: another form, or times that are no seconds in order.
    """
    rows = [] if rows is None else rows
    if not isinstance(rows, list) or not all(type(time) in (int, float) for time in rows):
        raise ValueError(f"{name} is no list of seconds; pack again")
    wrong = [b for a, b in pairwise([-1.0, *rows]) if not (a < b and 0 <= b <= MAX_SECONDS)]
    if wrong:
        raise ValueError(f"{name}: {wrong[0]} is no second from 0 to {MAX_SECONDS:g} in order; pack again")
    return tuple(map(float, rows))


def rows_of_phones(phones: Iterable[Iterable[Word]]) -> list[dict[str, Any]]:
    """A row a phone, as `phones_by_word` reads them."""
    return [
        {
            "word": number,
            "phone": phone.text,
            "start_s": phone.start_s,
            "end_s": phone.end_s,
            "score": phone.score,
        }
        for number, its in enumerate(phones)
        for phone in its
    ]


def input_times_of(rows: Iterable[Mapping[str, Any] | None]) -> list[Word | None]:
    """The words of rows that may be null, where a word has no time; an end that is null or NaN is not stated: inf."""
    return [None if row is None else Word(**{**row, "end_s": _end_of(row)}) for row in rows]


def rows_of_input_times(words: Iterable[Word | None]) -> list[dict[str, Any] | None]:
    """A row a word, null for one without a time; an end that is not stated is null."""
    rows: list[dict[str, Any] | None] = []
    for word in words:
        row = None if word is None else rows_of([word])[0]
        rows.append(row if row is None or math.isfinite(row["end_s"]) else row | {"end_s": None})
    return rows


def _end_of(row: Mapping[str, Any]) -> float:
    end_s = row["end_s"]
    return math.inf if end_s is None or math.isnan(end_s) else float(end_s)


def _is_time(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float) and value < MAX_SECONDS  # a bool is none
