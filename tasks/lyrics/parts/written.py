"""What a lyrics file states, before it is known what of it is sung: lines of syllables, with times where it gives them.

Every form reads into this and writes from it. Words are what blanks leave of a line's text, so a form that has words
puts a blank behind each, and a form that has syllables a blank behind a word's last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jam_model.words import MAX_SECONDS, Word

NOT_LYRICS = "not_lyrics"
"""The reason of a file that is whole and of a known kind, but states no lyrics: facts, phones, chords or notes alone."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was left out, mended or not believed: its kind (a column's word), where, and what.

    Attributes:
        number: the line or entry of the file, from 1; 0 for the whole file.
    """

    kind: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Syllable:
    """A piece of a line's text and what is stated of it: seconds from the song's start, and a note's MIDI number."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    pitch: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is written; `number` is the line or entry of the file it stands on, 0 where it stands among no lines (a label that is data)."""

    syllables: tuple[Syllable, ...]
    start_s: float | None = None
    end_s: float | None = None
    number: int = 0

    @property
    def text(self) -> str:
        """The line's whole text."""
        return "".join(syllable.text for syllable in self.syllables)


@dataclass(frozen=True)
class Written:
    """A file's lines in its own order.

    Attributes:
        has_lines: whether the form knows lines; where not, all words stand in one.
        names: the title and the artist that the file states.
        remarks: what its reader left out or did not believe.
        language: the one that the file says its words are in, as it writes it.
        phones: phones in time (`text` as the file names it), of whichever words.
    """

    lines: tuple[Line, ...]
    has_lines: bool = True
    names: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    language: str = ""
    phones: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Form:
    """A form of lyrics.

    Attributes:
        endings: of file names; the first is the one to write.
        fits: whether a file is of this form, by its bytes (`binary`) or its text.
        read: what it states.
        write: the file of what is stated; None where nobody needs one.
        has_labels: whether it can hold the names of a song's parts; where not, they are left out when it is written.
        has_notes: whether it can hold notes; where not, a word that is held on several is written as one.
    """

    name: str
    endings: tuple[str, ...]
    fits: Callable[[str], bool] | Callable[[bytes], bool]
    read: Callable[[str], Written] | Callable[[bytes], Written]
    write: Callable[[Written], bytes] | None = None
    binary: bool = False
    has_labels: bool = False
    has_notes: bool = False


def seconds(value: object) -> float | None:
    """A stated time, or None where it is no number of seconds from 0 to `MAX_SECONDS`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_SECONDS:
        return None
    return float(value)


def plain_line(text: str, number: int = 0) -> Line:
    """A line of which only the text is known."""
    return Line((Syllable(text),), number=number)


def checked_times(
    start_s: float | None, end_s: float | None, remarks: list[Remark], number: int, text: str
) -> tuple[float | None, float | None]:
    """Start and end as they are stated; an end alone, or before its start, is remarked on (`text`) and none."""
    if start_s is None or end_s is None or end_s < start_s:
        remarks.append(Remark("bad_time", number, text))
        return start_s, None
    return start_s, end_s
