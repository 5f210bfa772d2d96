"""What world two has beyond plain songs, each by a switch of its own, and each concept's random numbers."""

from __future__ import annotations

import zlib

import numpy as np

from tasks.engine.stage import Section


class Features(Section):
    """Settings of world two. A song is the same wherever a feature that is off could not have touched it.

    min_duration_s, max_duration_s: bounds of a song's length, 12 to 40 as a rule, up to 230.
    languages: codes; a song has one of them, or two where `two_languages`.
    length_causes: half of a word's log length follows what kind of word it is and where; off: all of it is drawn.
    pick_ups, syncopation, fast_lines, melisma, swing, microtiming: of the rhythm. tempos: 60 to 160; off: 100.
    metres: 3/4 beside 4/4. part_styles: a style a part; off: one a song. minor, sevenths, inversions, modulation: of the
    harmony; a modulation raises the last chorus and what follows. second_singer, spoken, backing, ad_libs, hums: voices.
    faults: kinds that songs of a set have in turn, after one without.
    """

    min_duration_s: float
    max_duration_s: float
    languages: tuple[str, ...]
    two_languages: bool
    length_causes: bool
    pick_ups: bool
    syncopation: bool
    fast_lines: bool
    melisma: bool
    tempos: bool
    metres: bool
    swing: bool
    microtiming: bool
    part_styles: bool
    minor: bool
    sevenths: bool
    inversions: bool
    modulation: bool
    second_singer: bool
    spoken: bool
    backing: bool
    ad_libs: bool
    hums: bool
    faults: tuple[str, ...]


def stream(seed: int, concept: str, *places: int) -> np.random.Generator:
    """Random numbers of one concept of a song, so that no concept can be read off another."""
    return np.random.default_rng((seed, zlib.crc32(concept.encode()), *places))
