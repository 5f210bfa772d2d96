"""From what a file states (lines of written syllables, letters, labels) to what is sung: unsung text goes and is told, words get the times of their syllables, a line without a time goes on the one before.

A stated time that cannot be is not believed, and its word has none; the word stays.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from jam_model.words import Word
from tasks.lyrics.letters import Letters, cleaned
from tasks.lyrics.lyrics import Label, Lyrics, Note, share
from tasks.lyrics.parts.unsung import (
    INLINE_CHORD,
    PAGE,
    REPEAT,
    SQUARE,
    VOICE,
    chord_lines,
    is_credit,
    label_of,
    voice_names,
)
from tasks.lyrics.parts.written import Line, Remark, Syllable, Written
from tasks.models.phonemizer import normalise_words

TITLE_LINES = 2
"""So many lines without a stamp may stand before the first that has one: title and artist."""
LONGEST_LANGUAGE = 40
NO_NAME = re.compile(r"[^\w -]")
"""What the name of a language has none of, so that a form that is written of it holds no line that nobody wrote."""
MAX_SHARED = 3
"""So many words share one stated time by their letters; of a longer text the first alone has it, without an end."""


def sung(written: Written) -> Lyrics:
    """The words that are sung, and all that the file states of them."""
    return _Song(written).lyrics()


def sung_words(text: str) -> list[str]:
    """The sung words of one line of plain text."""
    return sung(Written((Line((Syllable(text),)),))).words


class _Song:
    """The words gathered line by line."""

    def __init__(self, written: Written) -> None:
        self.written = written
        self.words: list[str] = []
        self.times: list[Word | None] = []
        self.lines: list[Word] = []
        self.line_starts: list[int] = []
        self.breaks: dict[int, None] = {}
        self.notes: list[Note] = []
        self.labels: list[Label] = []
        self.remarks = [*written.remarks]
        self.said_at: dict[float, str] = {}

    def lyrics(self) -> Lyrics:
        rows = [Letters.of(line) for line in self.written.lines]
        for letters in rows:
            for kind, text in cleaned(letters):
                self._tell(kind, letters.line, text)
        chords = chord_lines(letters.text for letters in rows)
        voices = voice_names(letters.text for letters in rows)
        ends = _ends(self.written.lines)
        titles = _title_lines(self.written.lines)
        for place, letters in enumerate(rows):
            self._strip(letters, voices)
            aside = (
                "chords" if place in chords else "title" if place in titles else self._unsung_kind(letters)
            )
            if not letters.text.strip() or aside == "label":
                self.breaks[len(self.words)] = None
            if aside is None:
                self._sing(letters, ends[place])
            elif letters.text.strip():
                self._tell(aside, letters.line, letters.text)
        timed = any(word is not None for word in self.times)
        times = _in_order(self.times, self.remarks) if timed else None
        return Lyrics(
            self.words,
            times,
            self.lines or None,
            self.line_starts if self.written.has_lines else None,
            [number for number in self.breaks if 0 < number < len(self.words)],
            self.notes,
            self.labels,
            self.remarks,
            language=NO_NAME.sub("", self.written.language)[:LONGEST_LANGUAGE].strip(),
            phones=self.written.phones,
        )

    def _tell(self, kind: str, line: Line, text: str) -> None:
        if line.number or kind != "label":  # a label that the file states as one is left out of no line
            self.remarks.append(Remark(kind, line.number, text))

    def _strip(self, letters: Letters, voices: set[str]) -> None:
        """Takes out what stands in a line beside the words that are sung."""
        line = letters.line
        for pattern, by in PAGE:
            for text in letters.replace(pattern, by):
                self._tell("page", line, text)
        for text in letters.replace(INLINE_CHORD, ""):
            self._tell("chords", line, text)
        while label := SQUARE.search(letters.text):
            before = sum(len(normalise_words(text)) for text in letters.text[: label.start()].split())
            self._tell("label", line, label[0])
            self.labels.append(Label(len(self.words) + before, label[0][1:-1].strip()))
            letters.put(*label.span(), " ")
        if (voice := VOICE.match(letters.text)) and voice["name"] in voices:
            self._tell("voice", line, voice[0])
            letters.put(*voice.span(), " ")
        for text in letters.replace(REPEAT):
            self._tell("repeat", line, f"{text} is not repeated: {line.text}")

    def _unsung_kind(self, letters: Letters) -> str | None:
        """Why a whole line is not sung; None where it is."""
        text, start_s = letters.text.strip(), letters.line.start_s
        label = label_of(text)
        if label is not None:
            self.labels.append(Label(len(self.words), label))
            return "label"
        if is_credit(text, self.written.names):
            return "credit"
        if text and start_s is not None and self.said_at.setdefault(start_s, text) != text:
            return "translation"
        return None

    def _sing(self, letters: Letters, end_s: float) -> None:
        """Adds a line's words, with the times and notes of their syllables."""
        line, first = letters.line, len(self.words)
        before: list[Syllable] = []
        for text, syllables in _under_one_time(list(letters.words())):
            words = normalise_words(text)
            known = [
                syllable for syllable in syllables if syllable not in before or syllable is not before[-1]
            ]
            self._add(words, known, syllables, line)
            before = syllables
        sung_here = self.words[first:]
        if sung_here:
            self.line_starts.append(first)
        if not sung_here or not self.written.has_lines:
            return
        if line.start_s is not None:
            self.lines.append(Word(" ".join(sung_here), line.start_s, max(line.start_s, end_s)))
        elif self.lines:  # no time of its own: it goes on the line before
            went_on = self.lines[-1]
            self.lines[-1] = replace(went_on, text=" ".join([went_on.text, *sung_here]))
        elif any(other.start_s is not None for other in self.written.lines):
            self.lines.append(Word(" ".join(sung_here), 0.0, end_s))

    def _add(
        self, words: list[str], own: Sequence[Syllable], syllables: Sequence[Syllable], line: Line
    ) -> None:
        """Words of one text; `own` are its syllables that no word before it began in."""
        start_s = own[0].start_s if own and own[0] is syllables[0] else None
        end_s = syllables[-1].end_s
        if start_s is not None and end_s is not None and end_s < start_s:
            self._tell(
                "bad_time", line, f"{' '.join(words)} ends at {end_s:g} s, before its start at {start_s:g} s"
            )
            end_s = None
        for syllable in own:
            if syllable.pitch is not None and syllable.start_s is not None and words:
                self.notes.append(Note(len(self.words), syllable.start_s, syllable.end_s, syllable.pitch))
        if start_s is None or not words:
            self.times += [None] * len(words)
        elif end_s is None:
            self.times += [Word(words[0], start_s, math.inf), *[None] * (len(words) - 1)]
        else:
            self.times += share(words, start_s, end_s)
        self.words += words


def _under_one_time(words: Sequence[tuple[str, list[Syllable]]]) -> Iterator[tuple[str, list[Syllable]]]:
    """The words of a line; a few that stand in one syllable with both times share them, so they come together."""
    for _, group in groupby(words, key=lambda word: id(word[1][0]) if len(word[1]) == 1 else id(word)):
        said = list(group)
        syllable = said[0][1][0]
        if len(said) == 1 or syllable.end_s is None:
            yield from said
        elif len(said) <= MAX_SHARED:
            yield " ".join(text for text, _ in said), [syllable]
        else:
            begun = replace(syllable, end_s=None)
            yield from ((text, [begun]) for text, _ in said)


def _ends(lines: Sequence[Line]) -> list[float]:
    """When each line ends: as stated, or as the next one begins that begins later, inf for the last."""
    starts = sorted({line.start_s for line in lines if line.start_s is not None})
    ends = []
    for place, line in enumerate(lines):
        at_s = line.start_s
        if line.end_s is not None and at_s is not None and line.end_s >= at_s:
            ends.append(line.end_s)
            continue
        if at_s is None:
            at_s = next((before.start_s for before in lines[place::-1] if before.start_s is not None), -1.0)
        later = bisect_right(starts, at_s)
        ends.append(starts[later] if later < len(starts) else math.inf)
    return ends


def _title_lines(lines: Sequence[Line]) -> range:
    """The places of lines without a time before the first that has one, where they are few enough for a title."""
    first = next((place for place, line in enumerate(lines) if line.start_s is not None), 0)
    with_text = sum(bool(line.text.strip()) for line in lines[:first])
    return range(first if with_text <= TITLE_LINES else 0)


def _in_order(times: Sequence[Word | None], remarks: list[Remark]) -> list[Word | None]:
    """The longest row of times whose starts do not go back; the others are not believed."""
    tails: list[float] = []  # by length: the highest start, negated, that a row to the end can begin with
    length_of = {}
    for place, word in reversed(list(enumerate(times))):
        if word is not None:
            length = bisect_right(tails, -word.start_s)
            tails[length : length + 1] = [-word.start_s]
            length_of[place] = length + 1
    kept: list[Word | None] = [None] * len(times)
    wanted, latest_s = len(tails), 0.0
    for place, word in enumerate(times):
        if word is not None and length_of[place] == wanted and word.start_s >= latest_s:
            kept[place], wanted, latest_s = word, wanted - 1, word.start_s
    for place in sorted(set(length_of) - {place for place, word in enumerate(kept) if word}):
        word = times[place]
        assert word is not None
        remarks.append(Remark("back_in_time", 0, f"word {place + 1} {word.text!r} at {word.start_s:g} s"))
    return kept
