"""Muse's chat form: a song as messages, its style first, then a turn a part with its label and description, asked by the user, its sound by the assistant.

A user's turn is ``[Label][desc:...][lyrics:\\n...][phoneme:\\n...]``; lyrics and phonemes are a line a line, phonemes are the model's symbols
apart by blanks, with ``sp`` behind each word. The first turn has the song's style and a notice before its part. What the assistant
says are tokens of a codec, which nobody has here: it stays empty. https://arxiv.org/abs/2601.03973
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

from tasks.lyrics.lyrics import Label, Lyrics
from tasks.models.phonemizer import normalise_words

NOTICE = "The song is asked for part by part."
PAUSE = "sp"
MAX_TURNS, MAX_LETTERS = 512, 50_000
NO_BRACKETS = str.maketrans("[]\n\r", "()  ")
TURN = re.compile(
    r"\[(?P<label>[^\[\]:\n]{1,40})\]\s?\[desc\s?:(?P<desc>[^\[\]]*)\](?:\s?\[lyrics\s?:(?P<lyrics>[^\[\]]*)\])?"
    r"(?:\s?\[phoneme\s?:(?P<phonemes>[^\[\]]*)\])?\s*\Z"
)


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

    def lyrics(self) -> Lyrics:
        """Its lines, with a label a part that says what it should sound like (``Verse: soft piano``)."""
        lines = [line for part in self.parts for line in part.lines]
        before = [0, *accumulate(sum(map(len, part.lines)) for part in self.parts)]
        labels = [
            Label(at, f"{part.label}: {part.description}" if part.description else part.label)
            for at, part in zip(before, self.parts, strict=False)
        ]
        starts = [0, *accumulate(map(len, lines))][:-1]
        words = [word for line in lines for word in line]
        breaks = sorted({label.before for label in labels} - {0, len(words)})
        return Lyrics(words, line_starts=starts, breaks=breaks, labels=labels, form="Muse's messages")


def messages_of(song: MuseSong, has_phonemes: bool) -> list[dict[str, str]]:
    """The talk: a turn of the user and an empty one of the assistant a part."""
    turns = [_turn(part, has_phonemes) for part in song.parts]
    turns[0] = f"{_plain(song.style)}\n{NOTICE}\n{turns[0]}"
    said = [({"role": "user", "content": turn}, {"role": "assistant", "content": ""}) for turn in turns]
    return [*chain.from_iterable(said)]


def _turn(part: MusePart, has_phonemes: bool) -> str:
    text = f"[{_plain(part.label).replace(':', ' ')[:40]}][desc:{_plain(part.description)}]"
    if part.lines:
        text += "[lyrics:\n" + "\n".join(_plain(" ".join(line)) for line in part.lines) + "]"
    if part.phonemes and has_phonemes:
        said = (" ".join(f"{' '.join(word)} {PAUSE}".strip() for word in line) for line in part.phonemes)
        text += "[phoneme:\n" + "\n".join(said) + "]"
    return text


def _plain(text: str) -> str:
    return " ".join(text.translate(NO_BRACKETS).split())


def song_of_messages(messages: Any) -> MuseSong:
    """The song that a talk asks for.

    Raises:
        ValueError: it is no such talk; names the turn.
    """
    if not isinstance(messages, list) or not 0 < len(messages) <= 2 * MAX_TURNS:
        raise ValueError(f"messages are no list of 1 to {2 * MAX_TURNS} turns; give those of one song")
    said = [
        turn.get("content") for turn in messages if isinstance(turn, Mapping) and turn.get("role") == "user"
    ]
    style, parts = "", []
    for number, content in enumerate(said, start=1):
        if not isinstance(content, str) or len(content) > MAX_LETTERS:
            raise ValueError(f"turn {number} of the user is no text of up to {MAX_LETTERS} letters")
        found = TURN.search(content)
        before = content[: found.start()].strip() if found else ""
        if found is None or (before and number > 1):
            raise ValueError(
                f"turn {number} of the user is not [Label][desc:...][lyrics:...], but {content[:60]!r}; give a part a turn"
            )
        if number == 1:
            style = before.removesuffix(NOTICE).strip()
        parts.append(_part(found, number))
    if not parts:
        raise ValueError("messages have no turn of a user; give one a part")
    return MuseSong(style, tuple(parts))


def _part(found: re.Match[str], number: int) -> MusePart:
    lines = [tuple(normalise_words(line)) for line in (found["lyrics"] or "").splitlines()]
    lines = [line for line in lines if line]
    phonemes = [_words(line.split()) for line in (found["phonemes"] or "").splitlines() if line.strip()]
    if phonemes and [len(line) for line in phonemes] != [len(line) for line in lines]:
        raise ValueError(f"turn {number} of the user has other words in its phonemes than in its lyrics")
    return MusePart(found["label"].strip(), found["desc"].strip(), tuple(lines), tuple(phonemes))


def _words(symbols: Sequence[str]) -> tuple[str, ...]:
    """The phonemes of each word of a line."""
    words, word = [], ""
    for symbol in symbols:
        if symbol == PAUSE:
            words.append(word)
            word = ""
        else:
            word += symbol
    return (*words, word) if word else tuple(words)
