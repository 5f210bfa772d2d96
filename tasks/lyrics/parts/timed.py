"""What a form that times everything writes of lyrics that time only some: the timed pieces of a line's syllables, each with an end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.engine.song import Refused
from tasks.lyrics.parts.written import Line, Syllable, Written

LAST_S = 1.0
"""How long the last piece of a song lasts where nobody states its end."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that is sung from `start_s` to `end_s` seconds on a note, or on none that is known.

    `is_line`: the times are those of a line, none of whose words has a time.
    """

    text: str
    start_s: float
    end_s: float
    pitch: int | None = None
    is_line: bool = False


def timed_pieces(
    written: Written, form: str, by_line: bool = False, notes: bool = False
) -> list[list[Piece]]:
    """The pieces of each timed line, a syllable each or the whole line (`by_line`).

    `notes`: whether the form has notes; where not, one that holds a syllable is a part of it.

    What has no time joins the timed piece before it, or the first one; a line that does so keeps a newline before it.
    An end that is not stated is the next start in the song, or `LAST_S` after the last one.

    Raises:
        Refused: ``lyrics_untimed``: nothing has a time.
    """
    lines: list[list[Piece]] = []
    ahead = ""
    for line in written.lines:
        pieces = _pieces(line if notes else without_held(line), by_line)
        if not pieces and line.text.strip():
            if lines:
                last = lines[-1][-1]
                lines[-1][-1] = replace(last, text=f"{last.text.rstrip()}\n{line.text.strip()}")
            else:
                ahead += f"{line.text.strip()}\n"
        elif pieces and any(piece.text.strip() for piece in pieces):
            pieces[0] = replace(pieces[0], text=ahead + pieces[0].text)
            lines.append(pieces)
            ahead = ""
    if not lines:
        raise Refused(
            "lyrics_untimed", f"{form} times all it holds, and these lyrics state no time; write plain text"
        )
    return _ended(lines, written)


def without_held(line: Line) -> Line:
    """The line with each note that holds a syllable as a part of that."""
    syllables: list[Syllable] = []
    for syllable in line.syllables:
        if syllable.text.strip() or not syllables or syllable.start_s is None:
            syllables.append(syllable)
        else:
            last = syllables[-1]
            syllables[-1] = replace(last, text=last.text + syllable.text, end_s=syllable.end_s)
    return replace(line, syllables=tuple(syllables))


def _pieces(line: Line, by_line: bool) -> list[Piece]:
    """The timed pieces of a line; an end that is not stated is before its start."""
    timed = [syllable for syllable in line.syllables if syllable.start_s is not None]
    start_s = timed[0].start_s if line.start_s is None and timed else line.start_s
    if start_s is not None and (by_line or not timed):
        end_s = timed[-1].end_s if line.end_s is None and timed else line.end_s
        return [Piece(line.text, start_s, -1.0 if end_s is None else end_s, is_line=not timed)]
    pieces: list[Piece] = []
    ahead = ""
    for syllable in line.syllables:
        if syllable.start_s is not None:
            end_s = -1.0 if syllable.end_s is None else syllable.end_s
            pieces.append(Piece(ahead + syllable.text, syllable.start_s, end_s, syllable.pitch))
            ahead = ""
        elif pieces:
            pieces[-1] = replace(pieces[-1], text=pieces[-1].text + syllable.text)
        else:
            ahead += syllable.text
    return pieces


def _ended(lines: list[list[Piece]], written: Written) -> list[list[Piece]]:
    """The lines with an end for every piece; a line without text that has a time ends what is before it."""
    starts = sorted(
        {piece.start_s for line in lines for piece in line}
        | {line.start_s for line in written.lines if line.start_s is not None}
    )
    following = dict(pairwise(starts))
    for line in lines:
        for place, piece in enumerate(line):
            if piece.end_s < piece.start_s:
                next_s = following.get(piece.start_s, piece.start_s + LAST_S)
                line[place] = replace(piece, end_s=next_s)
    return lines
