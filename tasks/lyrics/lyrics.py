"""The lyrics of a song (`Lyrics`): its words in the order they are sung, lines, notes, labels, remarks: what its file states of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from jam_model.words import Word, rows_of, rows_of_input_times
from tasks.lyrics.parts.written import Remark

EXAMPLES = 3  # of a kind of remark


@dataclass(frozen=True, slots=True)
class Note:
    """A note of the melody: seconds from the song's start, its MIDI number, and the word sung on it."""

    word: int
    start_s: float
    end_s: float | None
    pitch: int


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a part (``Chorus``), as written, and the number of the word it stands before."""

    before: int
    text: str


@dataclass(frozen=True)
class Lyrics:
    """Words, with times, lines, notes and labels where the file states them.

    Attributes:
        times: one a word; None for a word without a start, `end_s` inf for one without an end. None: no word has one.
        lines: words joined by blanks, with the line's own times; `end_s` inf where nobody stated it. None: no times.
        line_starts: the number of each line's first word, of timed lines and others; None where a form has no lines.
        breaks: the words before which an empty line or a label stands.
        remarks: what was left out, mended or not believed.
        form: the name of the form it was read from.
        language: the one that the file says its words are in, as it writes it.
        phones: phones in time, as the file names them; which word each is of is told by its time.
    """

    words: list[str]
    times: list[Word | None] | None = None
    lines: list[Word] | None = None
    line_starts: list[int] | None = None
    breaks: Sequence[int] = ()
    notes: Sequence[Note] = ()
    labels: Sequence[Label] = ()
    remarks: Sequence[Remark] = ()
    form: str = ""
    language: str = ""
    phones: Sequence[Word] = ()

    @property
    def num_lines(self) -> int | None:
        """Lines with words; None where a form has no lines."""
        return None if self.line_starts is None else len(self.line_starts)

    def line_words(self) -> list[list[str]]:
        """The words of each line; all in one where a form has no lines."""
        starts = self.line_starts or [0]
        return [self.words[first:end] for first, end in pairwise([*starts, len(self.words)])]

    @property
    def last_start_s(self) -> float:
        """The latest start of a word or line, 0 where none is stated."""
        timed = [word for word in [*(self.times or ()), *(self.lines or ())] if word is not None]
        return max((word.start_s for word in timed), default=0.0)

    @property
    def has_lines_in_time(self) -> bool:
        """Whether every word stands in a line with times of its own."""
        return self.lines is not None and [len(line.text.split(" ")) for line in self.lines] == list(
            map(len, self.line_words())
        )

    def rooms_of_lines(self, duration_s: float) -> list[tuple[float, float]]:
        """From when to when each timed line may be sung, in a song of this length: until its end, or the next one's start."""
        lines = self.within(duration_s).lines or []
        starts_s = np.maximum.accumulate([line.start_s for line in lines]).tolist()
        ends_s = [line.end_s for line in lines]
        until_s = [*starts_s[1:], duration_s]
        return [
            (start_s, max(start_s, min(end_s, next_s)))
            for start_s, end_s, next_s in zip(starts_s, ends_s, until_s, strict=True)
        ]

    def within(self, duration_s: float | None) -> Lyrics:
        """The lyrics in a song of this length: a time past its end becomes its end, and so does a line's that is not stated.

        A song of unknown length (None) ends a second after the last start.
        """
        end_s = self.last_start_s + 1.0 if duration_s is None else duration_s
        return replace(
            self,
            times=self.times and [word and _cut(word, end_s) for word in self.times],
            lines=self.lines and [line.within(end_s) for line in self.lines],
        )

    def fully_timed(self, duration_s: float | None) -> list[Word] | None:
        """All words with both times, in a song of this length, or None where no word has any.

        A missing end is the next start. Words without a start share what lies between their neighbours by their letters.
        """
        if self.times is None:
            return None
        song_s = self.last_start_s + 1.0 if duration_s is None else duration_s
        timed = [word and word.within(song_s) for word in self.times]
        said: list[Word] = []
        first = 0
        while first < len(timed):
            known, last = timed[first], first
            while last + 1 < len(timed) and timed[last + 1] is None:
                last += 1
            after = timed[last + 1] if last + 1 < len(timed) else None
            after_s = song_s if after is None else after.start_s
            if known is None:  # words before the first that has a time
                said += share(self.words[first : last + 1], 0.0, after_s)
            elif last == first:
                stated = self.times[first]
                is_open = stated is not None and math.isinf(stated.end_s)
                said.append(replace(known, end_s=max(known.start_s, after_s)) if is_open else known)
            else:
                start_s = max(known.end_s if known.end_s < after_s else known.start_s, known.start_s)
                own = [known] if start_s > known.start_s else []
                said += own + share(self.words[first + len(own) : last + 1], start_s, max(start_s, after_s))
            first = last + 1
        return said

    def columns(self) -> dict[str, Any]:
        """The columns of the song's row that hold what the file states beside the words."""
        return {
            "lyrics_times": self.times and rows_of_input_times(self.times),
            "lyrics_lines": self.lines and rows_of(self.lines),
            "lyrics_notes": [{name: getattr(note, name) for name in Note.__slots__} for note in self.notes]
            or None,
            "lyrics_labels": [{"before": label.before, "text": label.text} for label in self.labels] or None,
            "lyrics_remarks": summed(self.remarks) or None,
            "lyrics_form": self.form or None,
        }


def summed(remarks: Sequence[Remark]) -> list[dict[str, Any]]:
    """Remarks of a kind as one row: how many, and some of them with their lines."""
    kinds: dict[str, list[Remark]] = {}
    for remark in remarks:
        kinds.setdefault(remark.kind, []).append(remark)
    return [
        {"kind": kind, "count": len(found), "examples": [_example(remark) for remark in found[:EXAMPLES]]}
        for kind, found in sorted(kinds.items())
    ]


def share(words: Sequence[str], start_s: float, end_s: float) -> list[Word]:
    """One interval dealt to its words by their letters ("rock-n-roll" is three words)."""
    letters = sum(map(len, words))
    timed, before = [], 0
    for word in words:
        after = before + len(word)
        span_s = end_s - start_s
        timed.append(Word(word, start_s + span_s * before / letters, start_s + span_s * after / letters))
        before = after
    return timed


def _cut(word: Word, end_s: float) -> Word:
    """The word in a song that ends here; an end that nobody stated stays so."""
    return replace(word, start_s=min(word.start_s, end_s)) if math.isinf(word.end_s) else word.within(end_s)


def _example(remark: Remark) -> str:
    where = f"line {remark.number}: " if remark.number else ""
    return f"{where}{' '.join(remark.text.split())[:80]}"
