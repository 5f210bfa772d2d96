"""The order in which a score's measures are played, by its signs: repeats, endings, D.C., D.S., segno, coda and fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tasks.engine.song import Refused

MAX_MEASURES = 20_000
"""Of one song, repeats counted."""


@dataclass
class Signs:
    """What stands at a measure and leads elsewhere.

    Attributes:
        backward: how often the measures from the last forward sign are played, 0 without a sign.
        endings: numbers of the ending the measure is of; empty outside of endings.
    """

    forward: bool = False
    backward: int = 0
    endings: tuple[int, ...] = ()
    segno: bool = False
    coda: bool = False
    to_coda: bool = False
    fine: bool = False
    da_capo: bool = False
    dal_segno: bool = False


def played(signs: Sequence[Signs]) -> list[int]:
    """The numbers of the measures from 0, as they are played.

    After D.C. or D.S., which are followed once, nothing is repeated, and of endings the last is played.

    Raises:
        Refused: ``lyrics_too_long``: more than `MAX_MEASURES`.
    """
    groups = _groups(signs)
    segno = next((at for at, sign in enumerate(signs) if sign.segno), 0)
    coda = max((at for at, sign in enumerate(signs) if sign.coda and not sign.to_coda), default=-1)
    order: list[int] = []
    at = start = 0
    turn, jumped, stepped = 1, False, False
    while at < len(signs):
        sign = signs[at]
        if (sign.forward and at != start) or (stepped and not sign.endings and signs[at - 1].endings):
            start, turn = at, 1
        stepped = True
        if sign.endings and not _is_played(sign, groups[at], turn, jumped):
            at += 1
            continue
        if len(order) >= MAX_MEASURES:
            raise Refused(
                "lyrics_too_long", f"the repeats of the score play more than {MAX_MEASURES} measures"
            )
        order.append(at)
        if jumped and sign.fine:
            break
        if jumped and sign.to_coda and coda > at:
            at, stepped = coda, False
        elif sign.backward and not jumped and turn < _turns(sign, groups[at]):
            at, turn, stepped = start, turn + 1, False
        elif (sign.da_capo or sign.dal_segno) and not jumped:
            at = start = segno if sign.dal_segno else 0
            turn, jumped, stepped = 1, True, False
        else:
            if sign.backward:
                start, turn = at + 1, 1
            at += 1
    return order


def _groups(signs: Sequence[Signs]) -> list[set[tuple[int, ...]]]:
    """For each measure, the endings that stand in a row with its own."""
    groups: list[set[tuple[int, ...]]] = []
    for has_ending, run in groupby(signs, key=lambda sign: bool(sign.endings)):
        row = list(run)
        groups += [{sign.endings for sign in row} if has_ending else set()] * len(row)
    return groups


def _last(group: set[tuple[int, ...]]) -> int:
    return max(number for endings in group for number in endings)


def _is_played(sign: Signs, group: set[tuple[int, ...]], turn: int, jumped: bool) -> bool:
    if not jumped:
        return turn in sign.endings
    return _last(group) in sign.endings and (len(group) > 1 or not sign.backward)


def _turns(sign: Signs, group: set[tuple[int, ...]]) -> int:
    """How often the measures before a backward sign are played; an ending that has no other after it is left once more."""
    if not group:
        return sign.backward
    return _last(group) if len(group) > 1 else _last(group) + 1
