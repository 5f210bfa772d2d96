"""Chords that say their key: every part begins on the tonic and ends by its dominant and the tonic.

Degrees go where functional harmony lets them; minor has a major dominant and none of the chords of its relative major
that could be heard as a tonic. So of all 24 keys one alone has the chords of a part and its last step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tasks.toy.world_two.truth import Chord, Key

Mode = Literal["major", "minor"]
PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
}
"""Semitones above the root."""

SCALES: dict[Mode, tuple[int, ...]] = {"major": (0, 2, 4, 7, 9), "minor": (0, 3, 5, 7, 10)}
"""The pentatonic scale that voices have."""

DEGREES: dict[Mode, dict[int, tuple[str, str]]] = {
    "major": {
        0: ("maj", "maj7"),
        2: ("min", "min7"),
        5: ("maj", "maj7"),
        7: ("maj", "7"),
        9: ("min", "min7"),
    },
    "minor": {0: ("min", "min7"), 5: ("min", "min7"), 7: ("maj", "7"), 8: ("maj", "maj7")},
}
"""Semitones above the tonic to a chord's quality, plain and with a seventh."""

_NEXT: dict[Mode, dict[int, tuple[int, ...]]] = {
    "major": {0: (9, 5, 2, 7), 9: (5, 2), 5: (7, 0, 2), 2: (7,), 7: (0, 9)},
    "minor": {0: (5, 8, 7), 8: (5, 7), 5: (7, 0), 7: (0, 8)},
}
DOMINANT = 7
_SEVENTH, _INVERSION = 0.3, 0.25  # how often a chord has one
_INTERVAL_NAMES = {3: "b3", 4: "3", 7: "5"}


def draw_degrees(rng: np.random.Generator, mode: Mode, bars: int) -> list[int]:
    """Degrees of the chords of a part, one a bar: from the tonic to dominant and tonic (two bars: only these, one: the tonic)."""
    if bars < 3:
        return [DOMINANT, 0][-bars:]
    degrees = [0]
    while len(degrees) < bars - 2:
        choices = _NEXT[mode][degrees[-1]]
        degrees.append(int(choices[rng.integers(len(choices))]))
    return [*degrees, DOMINANT, 0]


def spell(
    rng: np.random.Generator,
    key: Key,
    degrees: Sequence[int],
    bars_s: Sequence[float],
    sevenths: bool,
    inversions: bool,
) -> list[Chord]:
    """Chords of a part, whose bars begin and end at `bars_s` (one more than degrees). Its last two are never inverted."""
    chords = []
    for bar, degree in enumerate(degrees):
        closing = bar >= len(degrees) - 2
        with_seventh, inverted, which = rng.random(), rng.random(), int(rng.integers(1, 3))
        plain, seventh = DEGREES[key.mode][degree]
        last = bar == len(degrees) - 1
        quality = (
            seventh if sevenths and not last and (degree == DOMINANT or with_seventh < _SEVENTH) else plain
        )
        root = (key.tonic + degree) % 12
        interval = QUALITIES[quality][which] if inversions and inverted < _INVERSION and not closing else 0
        name = f"{PITCH_CLASSES[root]}:{quality}" + (f"/{_INTERVAL_NAMES[interval]}" if interval else "")
        chords.append(Chord(name, root, quality, (root + interval) % 12, bars_s[bar], bars_s[bar + 1]))
    return chords
