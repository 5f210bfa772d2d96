"""Styles of parts, and the drums they have (kicks, snares, hats in a bar): every attribute is drawn by itself, knowing no word, chord or genre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.toy.world_two.rhythm import Clock
from tasks.toy.world_two.truth import Drum, PartStyle, Strike

KICKS: dict[int, tuple[tuple[int, ...], ...]] = {4: ((0, 4), (0, 3, 4), (0, 5)), 3: ((0,), (0, 3), (0, 5))}
SNARES: dict[int, tuple[tuple[int, ...], ...]] = {4: ((2, 6), (4,), (2, 6, 7)), 3: ((2, 4), (4,), (2, 4, 5))}
"""By beats a bar: patterns, each the half beats of a bar that are struck."""

STRIKES: dict[int, tuple[int, ...]] = {4: (1, 2, 4, 8), 3: (1, 3, 6)}
REGISTERS, BRIGHTNESSES, SIDES, TREMOLOS, LIFTS = (
    (50, 57, 64),
    (3, 8, 16),
    (0.0, 0.3, 0.6),
    (0.0, 5.0),
    (-2, 0, 2),
)
_NO_SNARE = 0.35


def draw_style(rng: np.random.Generator, beats_per_bar: int) -> PartStyle:
    """A style for a part of this metre."""

    def one(values: Sequence[Any]) -> Any:
        return values[int(rng.integers(len(values)))]

    return PartStyle(
        snare=-1 if rng.random() < _NO_SNARE else int(rng.integers(len(SNARES[beats_per_bar]))),
        hat=bool(rng.integers(2)),
        kick=int(rng.integers(len(KICKS[beats_per_bar]))),
        strikes_per_bar=one(STRIKES[beats_per_bar]),
        register_midi=one(REGISTERS),
        brightness=one(BRIGHTNESSES),
        side_share=one(SIDES),
        tremolo_hz=one(TREMOLOS),
        melody_lift=one(LIFTS),
    )


def strike_drums(style: PartStyle, clock: Clock, first_bar: int, end_bar: int) -> list[Strike]:
    """All strikes of a part, from its first bar to the one after its last; every bar is struck alike."""
    beats = clock.beats_per_bar
    struck: list[tuple[Drum, tuple[int, ...]]] = [("kick", KICKS[beats][style.kick])]
    if style.snare >= 0:
        struck.append(("snare", SNARES[beats][style.snare]))
    if style.hat:
        struck.append(("hat", tuple(range(2 * beats))))
    strikes = [
        Strike(clock.time_s(bar * beats + half / 2), drum)
        for bar in range(first_bar, end_bar)
        for drum, halves in struck
        for half in halves
    ]
    return sorted(strikes, key=lambda strike: (strike.time_s, strike.drum))
