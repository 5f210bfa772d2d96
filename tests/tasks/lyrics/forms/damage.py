"""Made songs to write and read back, and files damaged in the ways files are: bytes flipped, cut, repeated, swapped."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from tasks.engine.song import Refused
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Form, Line, Syllable, Written
from tasks.lyrics.read import read_parts, read_phones, read_written
from tasks.lyrics.sung import sung

SONGS, DAMAGED = 250, 250
VOCABULARY = (
    "open",
    "window",
    "morning",
    "über",
    "don't",
    "été",
    "вода",
    "river",
    "la",
    "o",
    "света",
    "said",
)
WRONG = (
    b"null",
    b"-1",
    b"1e999",
    b"9" * 400,
    b'"',
    b"{",
    b"]",
    b"\\ud800",
    b"NaN",
    b"\xff\xfe",
    b"\t",
    b"0x10",
    b"true",
)


def made_song(seed: int, grid_s: float = 0.001, ends: bool = True, lines: bool = True) -> Written:
    """Lines of words with times on a grid; without `ends` a word lasts until nobody says when."""
    chance = random.Random(seed)
    at, rows = chance.randrange(5000), []
    for _ in range(chance.randrange(1, 6)):
        row = []
        for _ in range(chance.randrange(1, 7)):
            start = at + chance.randrange(300)
            at = start + chance.randrange(60, 900)
            end_s = at * grid_s if ends else None
            row.append(Syllable(f"{chance.choice(VOCABULARY)} ", start * grid_s, end_s))
        rows.append(Line(tuple(row), row[0].start_s, row[-1].end_s))
    if not lines:
        return Written((Line(tuple(one for row in rows for one in row.syllables)),), has_lines=False)
    return Written(tuple(rows))


def read_back(form: Form, written: Written) -> Lyrics:
    """What is sung of a song that was written in a form and found by its content."""
    found, back = read_written(form.write(written))  # type: ignore[misc]
    assert found is form, f"written as {form.name}, read as {found.name}"
    assert not back.remarks, back.remarks
    return sung(back)


def stated(lyrics: Lyrics) -> list[tuple[str, float | None, float | None]]:
    """Words with their times, to a tenth of a millisecond."""
    times: Sequence = lyrics.times or [None] * len(lyrics.words)
    return [
        (word, None, None) if time is None else (word, round(time.start_s, 4), round(time.end_s, 4))
        for word, time in zip(lyrics.words, times, strict=True)
    ]


def line_starts(lyrics: Lyrics) -> list[tuple[str, float]]:
    return [(line.text, round(line.start_s, 4)) for line in lyrics.lines or ()]


def damaged(true: bytes, seed: int = 0) -> Iterator[bytes]:
    """Files that were once this one."""
    chance = random.Random(seed)
    numbers = [match.span() for match in re.finditer(rb"\d+(?:\.\d+)?", true)]
    for _ in range(DAMAGED):
        data = bytearray(true)
        for _ in range(chance.randrange(1, 4)):
            a, b = sorted(chance.randrange(len(data) + 1) for _ in range(2))
            kind = chance.randrange(6)
            if kind == 0 and data:
                data[min(a, len(data) - 1)] ^= 1 << chance.randrange(8)
            elif kind == 1:
                del data[a : min(b, a + 40)]
            elif kind == 2:
                data[a:a] = data[a : min(b, a + 200)] * chance.randrange(1, 20)
            elif kind == 3 and numbers:
                data[slice(*chance.choice(numbers))] = chance.choice(WRONG)
            elif kind == 4:
                data[a:a] = chance.choice(WRONG)
            else:
                del data[a:]
            data = data or bytearray(b" ")
        yield bytes(data)


def survives(true: bytes) -> None:
    """Nothing but lyrics or a refusal by name comes of any damaged file."""
    for data in damaged(true):
        try:
            read_phones(data)
            read_parts(data)
            sung(read_written(data)[1])
        except Refused as error:
            assert error.reason.startswith(("lyrics_", "not_lyrics")) and error.detail
