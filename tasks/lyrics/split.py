"""Lyrics whose words are split further, once their language is known: times, lines, notes and labels go along."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

from jam_model.words import Word
from tasks.lyrics.lyrics import Lyrics, Note, share

Split = Callable[[Sequence[str]], list[list[str]]]
"""The words of a line to the words that each of them has."""


def with_split_words(lyrics: Lyrics, split: Split) -> Lyrics:
    """The lyrics with the words that `split` finds in each line; a word's time is shared by its parts by their letters, and
    of several notes each part has one as far as there are any.
    """
    parts = [pieces for line in lyrics.line_words() for pieces in split(line)]
    if len(parts) != len(lyrics.words) or not all(parts):
        raise RuntimeError(f"{len(lyrics.words)} words were split into {len(parts)} lists of words")
    if all(len(pieces) == 1 for pieces in parts):
        return replace(lyrics, words=[piece for pieces in parts for piece in pieces])
    first = [0, *accumulate(map(len, parts))]
    return replace(
        lyrics,
        words=[piece for pieces in parts for piece in pieces],
        times=lyrics.times
        and [
            timed for word, pieces in zip(lyrics.times, parts, strict=True) for timed in _times(word, pieces)
        ],
        lines=lyrics.lines and _lines(lyrics.lines, parts),
        line_starts=lyrics.line_starts and [first[start] for start in lyrics.line_starts],
        breaks=[first[place] for place in lyrics.breaks],
        notes=_notes(lyrics.notes, parts, first),
        labels=[replace(label, before=first[label.before]) for label in lyrics.labels],
    )


def _times(word: Word | None, pieces: Sequence[str]) -> list[Word | None]:
    """A word's time dealt to its parts; the first alone has a start without an end."""
    if word is None:
        return [None] * len(pieces)
    if math.isinf(word.end_s):
        return [replace(word, text=pieces[0]), *[None] * (len(pieces) - 1)]
    return [*share(pieces, word.start_s, word.end_s)]


def _lines(lines: Sequence[Word], parts: Sequence[Sequence[str]]) -> list[Word]:
    """Timed lines with their words split; they hold all words in a row."""
    left = iter(parts)
    return [
        replace(line, text=" ".join(piece for _ in line.text.split() for piece in next(left)))
        for line in lines
    ]


def _notes(notes: Sequence[Note], parts: Sequence[Sequence[str]], first: Sequence[int]) -> list[Note]:
    moved: list[Note] = []
    before: Counter[int] = Counter()
    for note in notes:
        place = min(before[note.word], len(parts[note.word]) - 1)
        before[note.word] += 1
        moved.append(replace(note, word=first[note.word] + place))
    return moved
