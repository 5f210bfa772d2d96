"""The language of a song's lyrics, as a list of songs gives it, as their file states it, or as their text shows; stated or doubted; and their words split as it has them, with times and notes.

The words become those that this language has: they are split further, and times, lines, notes and labels go along.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.languages.scripts import letters_by_script
from tasks.languages.split import split_words
from tasks.languages.table import LANGUAGES, code_of, one_code_of
from tasks.lyrics.lyrics import Lyrics, Note, share
from tasks.lyrics.parts.written import Remark
from tasks.models.many_languages import SongLanguages

NOT_COVERED = "language_not_covered"
NOT_BELIEVED = "bad_language"
"""The kind of a remark on a language that a file states and its words cannot be in."""


def in_their_language(
    lyrics: Lyrics, languages: SongLanguages, listed: str | None
) -> tuple[Lyrics, str | None]:
    """The lyrics with the words of their language, and that one; None where nothing tells it, and they are read in the default.

    `listed`: what a list of songs says of the song. What a file states is believed where its letters can be of that language.

    Raises:
        Refused: ``language_not_covered``: it is stated, and none that is read here.
    """
    language = languages.fixed
    if language is None and listed:
        language = languages.told(lyrics.words, _read_here(code_of(listed), listed, "manifest", languages))
    elif language is None:
        lyrics, given = _as_stated(lyrics, languages)
        language = languages.told(lyrics.words, given)
    if not lyrics.words:
        return lyrics, language
    reads = language or languages.default
    return with_split_words(lyrics, lambda line: split_words(line, reads, languages.known)), language


def _as_stated(lyrics: Lyrics, languages: SongLanguages) -> tuple[Lyrics, str | None]:
    """The lyrics and the language that their file states; a remark in its place where that cannot be."""
    stated = lyrics.language
    if not stated:
        return lyrics, None
    code = one_code_of(stated)
    if code is None:
        return _doubted(lyrics, f"{stated[:40]!r} names no one language"), None
    _read_here(code, stated, "lyrics file", languages)
    letters = letters_by_script(" ".join(lyrics.words))
    if letters and not any(letters[script] for script in LANGUAGES[code].scripts):
        return _doubted(lyrics, f"{stated[:40]!r}, but no letter is {LANGUAGES[code].name}"), None
    return lyrics, code


def _doubted(lyrics: Lyrics, why: str) -> Lyrics:
    return replace(lyrics, remarks=[*lyrics.remarks, Remark(NOT_BELIEVED, 0, f"{why}: found by its text")])


def _read_here(code: str, stated: str, by: str, languages: SongLanguages) -> str:
    if code not in languages.known:
        known = ", ".join(languages.known)
        detail = f"its {by} says {stated[:40]!r}, read are {known}: models.phonemizer.songs.languages"
        raise Refused(NOT_COVERED, detail)
    return code


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
