"""Slots on the lyric grid of the symbols of one word, from the starts of its phones: a length regulator.

A word's phonemes are symbols, some of which are phones and some marks (stress, length, punctuation, the boundary). The symbols
of a phone share its slots; a mark has one slot of the phone that it stands at, unless it has a time of its own. Nothing here knows of songs, frames or tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

BEFORE_A_PHONE = frozenset("ˈˌ")
MARKS = BEFORE_A_PHONE | frozenset("ːˑ'-.,?!:;_ ")
"""Symbols without a sound of their own."""

Run = tuple[int, int, int]
"""A symbol's number in its word, and its slots [first, end)."""


@lru_cache(maxsize=1 << 16)
def owners(phonemes: str, phones: tuple[str, ...]) -> tuple[int, ...] | None:
    """The number of the phone that each symbol of `phonemes` belongs to; None where they are not made of these phones.

    Marks of stress belong to the phone behind them, all others to the one before.
    """
    found: list[int] = []
    phone = symbols = 0  # the phone that is next, and how many of its symbols have been
    for symbol in phonemes:
        if phone < len(phones) and phones[phone][symbols : symbols + 1] == symbol:
            found.append(phone)
            symbols += 1
            if symbols == len(phones[phone]):
                phone, symbols = phone + 1, 0
        elif symbol not in MARKS:
            return None
        elif symbol in BEFORE_A_PHONE or symbols:
            found.append(min(phone, len(phones) - 1))
        else:
            found.append(max(phone - 1, 0))
    return tuple(found) if phones and phone == len(phones) else None


def sung_runs(
    symbols: str, phone_of: Sequence[int], starts: Sequence[float], first: int, end: int
) -> Iterator[Run]:
    """The slots of each symbol of a word that has the slots [first, end); symbols beyond them have none.

    Bounds between phones are rounded, each by itself, then moved as little as every symbol needs for a slot of its own; where
    there are fewer slots than symbols, the first ones have one each.

    Args:
        phone_of: the number of each symbol's phone, from 0 and never back.
        starts: of every phone, in slots; the first one begins with the word, the last ends with it.
    """
    if end - first < len(symbols):
        yield from ((number, first + number, first + number + 1) for number in range(end - first))
        return
    groups: list[list[int]] = [[] for _ in starts]
    for number, phone in enumerate(phone_of):
        groups[phone].append(number)
    bounds = [first, *(round(start) for start in starts[1:]), end]
    for phone, group in enumerate(groups[:-1]):
        bounds[phone + 1] = max(bounds[phone + 1], bounds[phone] + len(group))
    for phone in range(len(groups) - 1, 0, -1):
        bounds[phone] = min(bounds[phone], bounds[phone + 1] - len(groups[phone]))
    for phone, group in enumerate(groups):
        yield from _shared([symbols[number] in MARKS for number in group], group, *bounds[phone : phone + 2])


def even_runs(num_symbols: int, first: int, end: int) -> Iterator[Run]:
    """Equal shares of a word's slots, the first symbols with one more; where there are fewer slots the last have none."""
    count, slots = min(num_symbols, end - first), end - first
    for number in range(count):
        length = slots // count + (number < slots % count)
        yield number, first, first + length
        first += length


def _shared(is_mark: Sequence[bool], numbers: Sequence[int], first: int, end: int) -> Iterator[Run]:
    """The slots of a phone among its symbols: one for each mark, equal shares of the others for what sounds. A phone that is a mark
    (a boundary that somebody gave a time) has them all.
    """
    is_mark = [mark and not all(is_mark) for mark in is_mark]
    sounding = len(is_mark) - sum(is_mark)
    left = end - first - sum(is_mark)
    for number, mark in zip(numbers, is_mark, strict=True):
        length = 1
        if not mark:
            length = -(-left // sounding)
            left, sounding = left - length, sounding - 1
        yield number, first, first + length
        first += length
