"""What Muse's chat form says of a song (`MuseSong`, `MusePart`), and its messages: style first, then a turn a part with label and description, asked by the user, its sound by the assistant.

A user's turn is ``[Label][desc:...][lyrics:\\n...][phoneme:\\n...]``; lyrics and phonemes are a line a line, phonemes are the model's symbols
apart by blanks, with ``sp`` behind each word. The first turn has the song's style and a notice before its part. What the assistant
says are tokens of a codec, which nobody has here: it stays empty. https://arxiv.org/abs/2601.03973
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

NOTICE = "The song is asked for part by part."
PAUSE = "sp"
NO_BRACKETS = str.maketrans("[]\n\r", "()  ")


@dataclass(frozen=True)
class MusePart:
    """A part: its label, what it should sound like, its lines of words, and the phonemes of each word (empty: nobody says)."""

    label: str
    description: str = ""
    lines: tuple[tuple[str, ...], ...] = ()
    phonemes: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class MuseSong:
    """The style of a song, and its parts in order."""

    style: str
    parts: tuple[MusePart, ...]


def messages_of(song: MuseSong, has_phonemes: bool) -> list[dict[str, str]]:
    """The talk: a turn of the user and an empty one of the assistant a part."""
    turns = [_turn(part, has_phonemes) for part in song.parts]
    turns[0] = f"{_without_brackets(song.style)}\n{NOTICE}\n{turns[0]}"
    said = [({"role": "user", "content": turn}, {"role": "assistant", "content": ""}) for turn in turns]
    return [*chain.from_iterable(said)]


def _turn(part: MusePart, has_phonemes: bool) -> str:
    text = f"[{_without_brackets(part.label).replace(':', ' ')[:40]}][desc:{_without_brackets(part.description)}]"
    if part.lines:
        text += "[lyrics:\n" + "\n".join(_without_brackets(" ".join(line)) for line in part.lines) + "]"
    if part.phonemes and has_phonemes:
        said = (" ".join(f"{' '.join(word)} {PAUSE}".strip() for word in line) for line in part.phonemes)
        text += "[phoneme:\n" + "\n".join(said) + "]"
    return text


def _without_brackets(text: str) -> str:
    return " ".join(text.translate(NO_BRACKETS).split())
