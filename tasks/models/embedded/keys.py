"""The key of a song from its chords: how much of the time its own chords sound, and how often its dominant leads to its tonic.

A key's chords are the triads on its scale; a minor key has a major dominant besides (the harmonic scale). Chroma alone cannot tell a key from its
relative or its dominant, which have nearly the same tones; which chord things come to rest on can.

Shapes: K keys, 12 major then 12 minor, each from C on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eval.metrics.controls.chord_labels import NAMES, chord_of

NUM_KEYS = 24
OWN = {
    "major": {
        (0, "maj"): 1.0,
        (2, "min"): 0.8,
        (4, "min"): 0.7,
        (5, "maj"): 0.9,
        (7, "maj"): 0.9,
        (9, "min"): 0.8,
    },
    "minor": {
        (0, "min"): 1.0,
        (3, "maj"): 0.7,
        (5, "min"): 0.9,
        (7, "maj"): 0.9,
        (7, "min"): 0.6,
        (8, "maj"): 0.8,
        (10, "maj"): 0.7,
    },
}
"""How well a triad, by semitones above the tonic, fits a key."""
CADENCE, REST = 1.5, 0.5
"""What a share of changes that are dominant to tonic, and a song that begins or ends on its tonic, are worth."""
SHARPNESS = 12.0
Chord = tuple[float, float, str]
"""Start, end and label as Harte writes it."""


@dataclass(frozen=True)
class HeardKey:
    """A key's name (``Eb minor``), and its probability among all 24."""

    name: str
    certainty: float


def key_of_chords(chords: Sequence[Chord]) -> HeardKey | None:
    """The key that chords in time are of; None where none is known."""
    spans = [(end - start, *_triad(label)) for start, end, label in chords if _triad(label) is not None]  # type: ignore[misc]
    total_s = sum(span[0] for span in spans)
    if not total_s > 0:
        return None
    score_K = np.zeros(NUM_KEYS)
    steps = [pair for pair in pairwise(spans) if pair[0][1:] != pair[1][1:]]
    for key in range(NUM_KEYS):
        mode, tonic = ("major", "minor")[key // 12], key % 12
        fit = OWN[mode]
        home = (tonic, "maj" if mode == "major" else "min")
        score_K[key] = sum(s * fit.get(((root - tonic) % 12, kind), 0.0) for s, root, kind in spans) / total_s
        dominant = ((tonic + 7) % 12, "maj")
        led = sum(before[1:] == dominant and after[1:] == home for before, after in steps)
        score_K[key] += CADENCE * led / max(1, len(steps))
        score_K[key] += REST * ((spans[0][1:] == home) + (spans[-1][1:] == home)) / 2
    chance_K = np.exp(SHARPNESS * (score_K - score_K.max()))
    best = int(np.argmax(score_K))
    name = f"{NAMES[best % 12]} {('major', 'minor')[best // 12]}"
    return HeardKey(name, float(chance_K[best] / chance_K.sum()))


def _triad(label: str) -> tuple[int, str] | None:
    """Root and third of a chord; None of one without both."""
    chord = chord_of(label)
    if chord.root is None or not chord.tones:
        return None
    kind = "maj" if 4 in chord.tones else "min" if 3 in chord.tones else None
    return None if kind is None else (chord.root, kind)
