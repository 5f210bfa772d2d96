"""Where words end in a file of syllables that marks no word's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.lyrics.parts.written import Line, Syllable


def words_apart(lines: Sequence[Line]) -> list[Line]:
    """A blank behind each syllable of a file that has one at none: they are words. One without text holds the one before."""
    texts = [syllable.text for line in lines for syllable in line.syllables]
    if any(text != text.strip() for text in texts):
        return [*lines]
    apart = []
    for line in lines:
        following = [*line.syllables[1:], Syllable(" ")]
        syllables = (
            replace(one, text=f"{one.text} " if after.text else one.text)
            for one, after in zip(line.syllables, following, strict=True)
        )
        apart.append(replace(line, syllables=tuple(syllables)))
    return apart
