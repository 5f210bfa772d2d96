"""What every form is tried with: random songs that are written and read back, and damaged files."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.letters import Letters
from tasks.lyrics.parts.written import Form, Line, Syllable, Written
from tasks.lyrics.read import read_parts, read_phones

PARTS = [
    "o",
    "pen",
    "ri",
    "ver",
    "don't",
    "ÿé",
    "moon",
    "солн",
    "це",
    "水",
    "la,",
    "(ooh)",
    "rock",
    "&",
    "a",
    "7",
]
WORST_READ_S = 1.0


@dataclass(frozen=True)
class Kept:
    """What a form keeps of a song: times of words (or of lines), their ends, pitches, lines."""

    grid_s: float
    words: bool = True
    ends: bool = True
    pitch: bool = True
    lines: bool = True
    line_ends: bool = True


def toy_song(seed: int, pitch: bool = True, words: bool = True) -> Written:
    """Lines of words of one to three syllables, one after another, with gaps; a syllable may go on over a second note."""
    draw = random.Random(seed)
    now_s, lines = draw.uniform(0, 3), []
    for _ in range(draw.randint(1, 5)):
        syllables: list[Syllable] = []
        for _ in range(draw.randint(1, 6)):
            for _ in range(draw.choice([1, 1, 2, 3])):
                texts = [draw.choice(PARTS), *([""] if pitch and draw.random() < 0.2 else [])]
                for text in texts:
                    end_s = now_s + draw.uniform(0.06, 0.7)
                    note = draw.randint(40, 80) if pitch else None
                    syllables.append(Syllable(text, now_s, end_s, note) if words else Syllable(text))
                    now_s = end_s
            last = syllables[-1]
            syllables[-1] = Syllable(last.text + " ", last.start_s, last.end_s, last.pitch)
            now_s += draw.choice([0.0, draw.uniform(0.1, 0.5)])
        start_s = syllables[0].start_s if words else now_s
        lines.append(Line(tuple(syllables), start_s, syllables[-1].end_s if words else now_s + 1))
        now_s += draw.uniform(1.1, 3)
    return Written(tuple(lines))


def stated(written: Written, kept: Kept) -> Iterator[list[tuple[str, list[object]]]]:
    """Each line's words with what is kept of them; without lines all is one."""
    lines = []
    for line in written.lines:
        words = []
        for text, syllables in Letters.of(line).words():
            times: list[object] = []
            if kept.words:
                times += [
                    _near(syllables[0].start_s, kept),
                    *([_near(syllables[-1].end_s, kept)] if kept.ends else []),
                ]
            if kept.pitch:
                times += [syllable.pitch for syllable in syllables]
            words.append((text, times))
        if kept.lines:
            words.append(
                ("line", [_near(line.start_s, kept), *([_near(line.end_s, kept)] if kept.line_ends else [])])
            )
        lines.append(words)
    yield from lines if kept.lines else [[word for line in lines for word in line]]


def _near(time_s: float | None, kept: Kept) -> object:
    return None if time_s is None else pytest.approx(time_s, abs=kept.grid_s * 1.01)


def comes_back(form: Form, song: Written, kept: Kept) -> None:
    """What is written reads as what it was."""
    data = form.write(song)  # type: ignore[misc]
    assert form.fits(data if form.binary else data.decode())  # type: ignore[arg-type]
    back = form.read(data if form.binary else data.decode())  # type: ignore[arg-type]
    for line, (now, then) in enumerate(zip(stated(back, kept), stated(song, kept), strict=True)):
        for one, other in zip(now, then, strict=True):
            assert one[0] == other[0], f"line {line}"
            assert all(a is b or a == b for a, b in zip(_plain(one), other[1], strict=True)), f"{one} {other}"


def _plain(word: tuple[str, list[object]]) -> list[object]:
    return [getattr(value, "expected", value) for value in word[1]]


def damaged(data: bytes, seed: int) -> bytes:
    """The bytes with flips, cuts, repeats, zeros or numbers at their limits."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(max(1, len(data)))
        until = min(len(data), at + draw.choice([1, 2, 8, 64, 1000]))
        piece = data[at:until]
        how = draw.randrange(6)
        if how == 0:
            data = data[:at] + bytes(draw.randrange(256) for _ in piece) + data[until:]
        elif how == 1:
            data = data[:at] + data[until:]
        elif how == 2:
            data = data[:until] + piece * draw.choice([1, 3, 50]) + data[until:]
        elif how == 3:
            data = data[:at]
        elif how == 4:
            number = draw.choice(
                [b"999999999999999999999", b"-1", b"1e999", b"nan", b"0", b"\xff\xff\xff\x7f"]
            )
            data = data[:at] + number + data[at + draw.choice([0, len(number)]) :]
        else:
            other = draw.randrange(max(1, len(data)))
            data = data[:at] + data[other : other + 64] + data[at:]
    return data


def survives(form: Form, data: bytes, inputs: int = 250) -> tuple[int, int]:
    """Damaged files are read or refused, and quickly; gives how many of each."""
    taken = refused = 0
    for seed in range(inputs):
        hurt = damaged(data, seed)
        given = hurt if form.binary else hurt.decode("utf-8", "replace").replace("\0", "")
        start_s = time.process_time()
        try:
            if form.fits(given):  # type: ignore[arg-type]
                form.read(given)  # type: ignore[arg-type]
                read_phones(hurt)
                read_parts(hurt)
            taken += 1
        except Refused:
            refused += 1
        assert time.process_time() - start_s < WORST_READ_S, f"input {seed}"
    return taken, refused
