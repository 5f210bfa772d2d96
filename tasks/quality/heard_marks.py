"""Which written phones were heard: an alignment with few and long gaps, as a line that is not sung leaves one.

The fewest edits alone do not say where a gap is: of a line written twice and sung once they may take a phone here and a
word there, and no run of unheard words is left to see. So a gap costs to open and little to extend (O. Gotoh, "An
improved algorithm for matching biological sequences", 1982).

Shapes: N written tokens, M heard tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

HIT, SUBSTITUTED, OPENED, EXTENDED = 4.0, -3.0, -5.0, -1.0
MAX_CELLS = 200_000_000
"""Of the table of ways, a byte each: 14,000 phones on either side, some 3,500 words."""
_DIAGONAL, _MISSED, _ADDED = 0, 1, 2
_MISSED_ON, _ADDED_ON = 4, 8


def heard_marks(written: Sequence[str], heard: Sequence[str]) -> list[bool] | None:
    """Whether each written token was heard; None where the two are too long to be compared (`MAX_CELLS`)."""
    if len(written) * len(heard) > MAX_CELLS:
        return None
    ways_NM = _ways(*_numbered(written, heard))
    marks = [False] * len(written)
    i, j, state = len(written), len(heard), _DIAGONAL
    while i and j:
        way = int(ways_NM[i, j])
        step = state or way & 3
        if step == _MISSED:
            i, state = i - 1, _MISSED if way & _MISSED_ON else _DIAGONAL
        elif step == _ADDED:
            j, state = j - 1, _ADDED if way & _ADDED_ON else _DIAGONAL
        else:
            i, j = i - 1, j - 1
            marks[i] = written[i] == heard[j]
    return marks


def _numbered(written: Sequence[str], heard: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    numbers = {token: number for number, token in enumerate(dict.fromkeys([*written, *heard]))}
    return np.array([numbers[t] for t in written], int), np.array([numbers[t] for t in heard], int)


def _ways(written_N: np.ndarray, heard_M: np.ndarray) -> np.ndarray:
    """The best last step at every pair of lengths, [N + 1, M + 1], row by row; a gap over heard tokens ends where the best
    start before it, less what it costs to extend from there, is greatest.
    """
    num_heard = len(heard_M)
    reach_M = EXTENDED * np.arange(num_heard + 1)
    best_M = np.concatenate([[0.0], OPENED + reach_M[1:]])
    missed_M, diagonal_M, added_M = (np.full(num_heard + 1, -np.inf) for _ in range(3))
    ways_NM = np.zeros((len(written_N) + 1, num_heard + 1), np.uint8)
    for row, token in enumerate(written_N, start=1):
        opened_M, extended_M = best_M + OPENED + EXTENDED, missed_M + EXTENDED
        missed_M = np.maximum(opened_M, extended_M)
        diagonal_M[1:] = best_M[:-1] + np.where(heard_M == token, HIT, SUBSTITUTED)
        before_M = np.maximum(diagonal_M, missed_M)
        added_M[1:] = np.maximum.accumulate(before_M - reach_M)[:-1] + OPENED + reach_M[1:]
        best_M = np.maximum(before_M, added_M)
        ways = np.where(best_M == diagonal_M, _DIAGONAL, np.where(best_M == missed_M, _MISSED, _ADDED))
        ways |= np.where(extended_M > opened_M, _MISSED_ON, 0)
        ways[1:] |= np.where(added_M[1:] > best_M[:-1] + OPENED + EXTENDED, _ADDED_ON, 0)
        ways_NM[row] = ways
    return ways_NM
