"""Chord labels in Harte's spelling (root, quality, degrees, bass): which tones a chord has, in semitones over its root.

Conventions: ``N`` is no chord, ``X`` one that cannot be told. ``C``, ``C:maj``, ``C:maj7/3``, ``C:sus4(b7)``, ``C:(1,3,5)``. A ninth, eleventh or
thirteenth in the quality adds no tone, as in mir_eval (``9`` has the tones of ``7``); in brackets only degrees below the octave do. ``*3`` takes a
tone away. Tones are counted from the root in semitones, so that equal tones over equal roots are one chord.

Source: C. Harte et al., Symbolic Representation of Musical Chords (ISMIR 2005); qualities as mir_eval.chord 0.8.2 has them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

NO_CHORD, UNKNOWN = "N", "X"
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""How we spell each pitch class."""
QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "aug": (0, 4, 8),
    "dim": (0, 3, 6),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "minmaj7": (0, 3, 7, 11),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "9": (0, 4, 7, 10),
    "maj9": (0, 4, 7, 11),
    "min9": (0, 3, 7, 10),
    "11": (0, 4, 7, 10),
    "min11": (0, 3, 7, 10),
    "13": (0, 4, 7, 10),
    "maj13": (0, 4, 7, 11),
    "min13": (0, 3, 7, 10),
    "1": (0,),
    "5": (0, 7),
    "": (),
}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 11, 8: 12, 9: 14, 10: 16, 11: 17, 12: 19, 13: 21}
_DEGREE = r"[b#]*\d{1,2}"
_LABEL = re.compile(
    rf"(?P<root>[A-G][b#]*)(?P<colon>:(?P<quality>[a-z]*\d*)?(?:\((?P<degrees>\*?{_DEGREE}(?:,\*?{_DEGREE})*)\))?)?"
    rf"(?:/(?P<bass>{_DEGREE}))?"
)


@dataclass(frozen=True)
class Chord:
    """`root`: a pitch class, 0 = C; None of ``N`` and ``X``. `tones`: semitones over it, ascending; None of ``X``.
    `bass`: semitones over the root.
    """

    root: int | None
    tones: tuple[int, ...] | None
    bass: int | None


@lru_cache(maxsize=4096)
def chord_of(label: str) -> Chord:
    """What a label says.

    Raises:
        ValueError: it is no label.
    """
    if label in (NO_CHORD, UNKNOWN):
        return Chord(None, () if label == NO_CHORD else None, None)
    found = _LABEL.fullmatch(label)
    quality = None if found is None else "maj" if found["colon"] is None else found["quality"]
    if found is None or quality not in QUALITIES or found["colon"] == ":":
        raise ValueError(f"{label!r} is no chord; give N, X or a label such as C:maj7/3")
    tones = {*QUALITIES[quality], 0}
    for degree in (found["degrees"] or "").split(","):
        semitone = _semitone(degree.removeprefix("*")) if degree else 12
        if degree.startswith("*"):
            tones.discard(semitone)
        elif 0 <= semitone < 12:
            tones.add(semitone)
    return Chord(_pitch_class(found["root"]), tuple(sorted(tones)), _semitone(found["bass"] or "1") % 12)


def _pitch_class(name: str) -> int:
    return (_LETTERS[name[0]] + name.count("#") - name.count("b")) % 12


def _semitone(degree: str) -> int:
    number = int(degree.lstrip("b#"))
    if number not in _DEGREES:
        raise ValueError(f"{degree!r} is no degree of a chord; give 1 to 13")
    return _DEGREES[number] + degree.count("#") - degree.count("b")
