"""Tempo (bpm): whether it is right, and whether it is right but for a beat that counts double, triple, half or a third.

Conventions: right within 4 % of the true tempo (accuracy 1); accuracy 2 forgives the factors 2, 3, 1/2 and 1/3. mir_eval's P-score is of
two tempi with weights and 8 %, for annotations that hold two.

Source: F. Gouyon et al., An Experimental Comparison of Audio Tempo Induction Algorithms (IEEE Transactions on Audio, Speech, and Language
Processing 14, 2006).
"""

from __future__ import annotations

TOLERANCE = 0.04
FORGIVEN = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)


def tempo_right(true_bpm: float, found_bpm: float | None) -> tuple[bool, bool]:
    """(accuracy 1, accuracy 2) of one song; a tempo that was not found is wrong.

    Raises:
        ValueError: the true tempo is none.
    """
    if not true_bpm > 0:
        raise ValueError(f"the true tempo is {true_bpm} beats a minute; give one above 0")
    if found_bpm is None:
        return False, False
    right = [abs(found_bpm - factor * true_bpm) <= TOLERANCE * factor * true_bpm for factor in FORGIVEN]
    return right[0], any(right)
