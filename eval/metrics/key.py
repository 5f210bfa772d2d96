"""Key (tonic, mode): how near a key is to the true one, by the weights of MIREX.

Conventions, those of mir_eval.key.weighted_score: 1 for the same key, 0.5 for one of the same mode a fifth above the true one (a fifth below has 0), 0.3
for the relative, 0.2 for the parallel key, else 0. A key that was not told has 0: it was asked for. Names are a pitch class with
sharps or flats and a mode, as ``Eb minor``.

Source: MIREX, Audio Key Detection.
"""

from __future__ import annotations

NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {"#": 1, "♯": 1, "b": -1, "♭": -1}
MODES = ("major", "minor")
RELATIVE = {"major": 9, "minor": 3}


def key_of(name: str) -> tuple[int, str]:
    """Tonic (0 = C) and mode of a key's name.

    Raises:
        ValueError: it is none.
    """
    tonic, _, mode = name.strip().partition(" ")
    if tonic[:1] not in NATURALS or mode not in MODES or not set(tonic[1:]) <= SIGNS.keys():
        raise ValueError(f"key {name!r} is not known; give it as 'Eb minor'")
    return (NATURALS[tonic[0]] + sum(SIGNS[sign] for sign in tonic[1:])) % 12, mode


def key_score(true: str, found: str | None) -> float:
    """The weight of a found key, in [0, 1]; 0 where none was found.

    Raises:
        ValueError: a name is no key.
    """
    tonic, mode = key_of(true)
    if found is None:
        return 0.0
    its_tonic, its_mode = key_of(found)
    above = (its_tonic - tonic) % 12
    if its_mode == mode:
        return {0: 1.0, 7: 0.5}.get(above, 0.0)
    return {RELATIVE[mode]: 0.3, 0: 0.2}.get(above, 0.0)
