"""Lyrics of any form into any form that has a writer (`jam lyrics convert`), and what the way costs (words, stamps, notes, labels): found by reading it back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.lyrics import Lyrics, Note
from tasks.lyrics.parts.written import Form, Line, Syllable, Written, plain_line
from tasks.lyrics.read import FORMS, read_written
from tasks.lyrics.sung import sung

CLOSE_S = 0.021
"""Times that differ by less are the same on the coarsest grid that a form has, two ticks of 10 ms."""


@dataclass(frozen=True)
class Converted:
    """A written file, and in words what it lost of the lyrics and what had to be added."""

    data: bytes
    lost: list[str]
    added: list[str]


def form_named(path_name: str, to: str | None = None, field: str = "--to") -> Form:
    """The form to write: `to`, the value of `field`, is its name or an ending, else the ending of the file's name decides.

    Raises:
        ValueError: no form with a writer is meant.
    """
    written = [form for form in FORMS if form.write]
    wanted = path_name.lower() if to is None else to.lower()
    named = [form for form in written if to is not None and form.name.lower() == wanted]
    if named:
        return named[0]
    dotted = wanted if to is None else f".{wanted.lstrip('.')}"
    fitting = [(len(end), form) for form in written for end in form.endings if dotted.endswith(end.lower())]
    if not fitting:
        known = ", ".join(f"{form.endings[0]} ({form.name})" for form in written)
        what = f"{field}: {to!r} is no form" if to else f"{path_name}: its ending names no form"
        raise ValueError(f"{what} that is written; give one of {known}")
    longest = max(length for length, _ in fitting)
    found = [form for length, form in fitting if length == longest]
    return next((form for form in found if dotted.endswith(form.endings[0].lower())), found[0])


def convert(lyrics: Lyrics, form: Form) -> Converted:
    """The lyrics as a file of this form.

    Raises:
        ValueError: the form cannot hold them; its message says what is missing.
    """
    if form.write is None:
        raise ValueError(f"{form.name} is read and not written")
    data = form.write(written_of(lyrics, form.has_labels, form.has_notes))
    try:
        found, written = read_written(data)
    except Refused as error:
        raise ValueError(f"{form.name} cannot hold these lyrics: {error}") from error
    back = sung(written)
    lost = list(_lost(lyrics, back))
    if found is not form:
        lost.append(f"its form: it reads as {found.name}")
    return Converted(data, lost, list(_added(lyrics, back)))


def written_of(lyrics: Lyrics, has_labels: bool = True, has_notes: bool = True) -> Written:
    """What a form writes of lyrics: a label in square brackets before its line or its word, a syllable a note."""
    stamps = _line_stamps(lyrics)
    starts = lyrics.line_starts or sorted(stamps) or [0]
    labels: dict[int, list[str]] = {}
    for label in lyrics.labels if has_labels else ():
        labels.setdefault(label.before, []).append(f"[{label.text.translate({91: 40, 93: 41})}]")
    notes = {
        word: list(its)
        for word, its in groupby(lyrics.notes if has_notes else (), key=lambda note: note.word)
    }
    is_timed = bool(stamps) or any(lyrics.times or ())
    lines: list[Line] = []
    for first, upto in zip(starts, [*starts[1:], len(lyrics.words)], strict=True):
        lines += [plain_line(label) for label in labels.get(first, ())]
        syllables: list[Syllable] = []
        for number in range(first, upto):
            before = labels.get(number, ()) if number > first else ()
            syllables += [Syllable(f"{label} ") for label in before]
            syllables += _syllables(lyrics, number, notes.get(number, ()))
        start_s, end_s = stamps.get(first, (None, None))
        if start_s is None:
            start_s = next((one.start_s for one in syllables if one.start_s is not None), None)
        if start_s is None and is_timed and all(line.start_s is None for line in lines):
            start_s = 0.0  # before the first that has a time, where a reader would take it for a title
        lines.append(Line(tuple(syllables), start_s, end_s))
    lines += [plain_line(label) for label in labels.get(len(lyrics.words), ())]
    return Written(tuple(lines), has_lines=len(starts) > 1 or bool(stamps), language=lyrics.language)


def _line_stamps(lyrics: Lyrics) -> dict[int, tuple[float, float | None]]:
    """Start and end of each timed line by its first word; an end that only is the next line's start is none."""
    stamps: dict[int, tuple[float, float | None]] = {}
    lines, first = lyrics.lines or [], 0
    for place, line in enumerate(lines):
        is_open = math.isinf(line.end_s) or any(
            line.end_s == later.start_s for later in lines[place + 1 :][:1]
        )
        stamps[first] = (line.start_s, None if is_open else line.end_s)
        first += len(line.text.split())
    return stamps


def _syllables(lyrics: Lyrics, number: int, notes: Sequence[Note]) -> Iterator[Syllable]:
    """A word: its text on its first note, and the notes that hold it."""
    word = lyrics.words[number]
    time = lyrics.times[number] if lyrics.times else None
    start_s = None if time is None else time.start_s
    end_s = None if time is None or math.isinf(time.end_s) else time.end_s
    if not notes:
        yield Syllable(f"{word} ", start_s, end_s)
        return
    for place, note in enumerate(notes):
        first, last = place == 0, place == len(notes) - 1
        yield Syllable(
            f"{word} " if first else "",
            start_s if first and start_s is not None else note.start_s,
            end_s if last and end_s is not None else note.end_s,
            note.pitch,
        )


def _lost(lyrics: Lyrics, back: Lyrics) -> Iterator[str]:
    """What of the lyrics is not in what was read back."""
    missing = sum((Counter(lyrics.words) - Counter(back.words)).values())
    if missing or len(back.words) < len(lyrics.words):
        yield _count(max(missing, len(lyrics.words) - len(back.words)), "word")
    elif lyrics.words != back.words:
        yield "the order of the words"
    pairs = _timed_pairs(lyrics, back)
    if moved := sum(
        own.start_s >= 0 and (its is None or abs(its.start_s - own.start_s) > CLOSE_S) for own, its in pairs
    ):
        yield f"the times of {_count(moved, 'word')}"
    if ends := sum(
        not math.isinf(own.end_s) and its is not None and abs(its.end_s - own.end_s) > CLOSE_S
        for own, its in pairs
    ):
        yield f"the ends of {_count(ends, 'word')}"
    own_starts = [line.start_s for line in lyrics.lines or ()]
    its_starts = [line.start_s for line in back.lines or ()]
    gone = sum(not any(abs(start_s - its_s) <= CLOSE_S for its_s in its_starts) for start_s in own_starts)
    if gone and not (back.times and not pairs):
        yield f"the times of {_count(gone, 'line')}"
    if (lyrics.num_lines or 0) > (back.num_lines or 1):
        yield "the breaks of lines" if (back.num_lines or 1) == 1 else "some breaks of lines"
    if lyrics.language and back.language != lyrics.language:
        yield f"its language, {lyrics.language}"
    for what, own, its in (("note", lyrics.notes, back.notes), ("label", lyrics.labels, back.labels)):
        if len(its) < len(own):
            yield _count(len(own) - len(its), what)


def _added(lyrics: Lyrics, back: Lyrics) -> Iterator[str]:
    """What the form had to state that nobody said."""
    if len(back.words) > len(lyrics.words):
        yield _count(len(back.words) - len(lyrics.words), "word")
    if not back.times or len(back.words) != len(lyrics.words):
        return
    own_times = lyrics.times or [None] * len(lyrics.words)
    if new := sum(its is not None and own is None for own, its in zip(own_times, back.times, strict=True)):
        yield f"times of {_count(new, 'word')}, a share of what stands beside"
    if ends := sum(
        own is not None and its is not None and math.isinf(own.end_s) and not math.isinf(its.end_s)
        for own, its in zip(own_times, back.times, strict=True)
    ):
        yield f"ends of {_count(ends, 'word')}, at the next start"


def _timed_pairs(lyrics: Lyrics, back: Lyrics) -> list[tuple[Word, Word | None]]:
    """The timed words with what was read back of each; none where the words are others."""
    if lyrics.times is None or len(back.words) != len(lyrics.words):
        return []
    its_times = back.times or [None] * len(back.words)
    return [(own, its) for own, its in zip(lyrics.times, its_times, strict=True) if own is not None]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
