"""Numbers and signs as English has them sung (cardinals, ordinals, plurals, amounts of money, digits): ``100%`` is "one hundred percent"."""

from __future__ import annotations

import re

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
MAX_DIGITS = 15
"""A longer number is read digit by digit."""
MAX_LETTERS = 40
"""A longer word is no number that anyone reads aloud."""
ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
SIGNS = {"&": "and", "+": "plus", "@": "at"}
UNITS = {
    "$": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "£": ("pound", "penny"),
    "¥": ("yen", ""),
    "¢": ("cent", ""),
}
PLURALS = {"penny": "pence", "yen": "yen"}
PARTS = {2: ("half", "halves"), 3: ("third", "thirds"), 4: ("quarter", "quarters")}

_AMOUNT = re.compile(r"([$€£¥])?([0-9]+)(?:\.([0-9]+))?([¢€£¥])?")
_PERCENT = re.compile(r"([0-9]+(?:[.,][0-9]+)?)%")
_NUMBERED = re.compile(r"#([0-9]+)")
_PAIR = re.compile(r"([0-9]+)([:/,])([0-9]+)")
_ORDINAL = re.compile(r"([0-9]+)(?:st|nd|rd|th)")
_PLURAL = re.compile(r"([0-9]+)'?s")


def read_signs(word: str) -> str:
    """What a written word is read as; itself where it has neither sign nor digit, or a form that is not known here."""
    if len(word) > MAX_LETTERS:
        return word
    if word in SIGNS:
        return SIGNS[word]
    if found := _PERCENT.fullmatch(word):
        return f"{read_signs(found[1])} percent"
    if found := _NUMBERED.fullmatch(word):
        return f"number {number(found[1])}"
    if found := _PAIR.fullmatch(word):
        return _pair(found[1], found[2], found[3])
    if found := _ORDINAL.fullmatch(word):
        return _ordinal(cardinal(found[1]))
    if found := _PLURAL.fullmatch(word):
        return _plural(number(found[1]))
    if (found := _AMOUNT.fullmatch(word)) and not (found[1] and found[4]):
        unit = found[1] or found[4]
        return _money(found[2], found[3], *UNITS[unit]) if unit else _decimal(found[2], found[3])
    return word


def cardinal(digits: str) -> str:
    """ "two hundred one" of ``201``; a long number, and one that begins with 0, digit by digit."""
    if len(digits) > MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return " ".join(ONES[int(digit)] for digit in digits)
    return _cardinal(int(digits))


def _cardinal(value: int) -> str:
    if value < 20:
        return ONES[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return TENS[tens] + (f"-{ONES[ones]}" if ones else "")
    size, name = next(scale for scale in SCALES if scale[0] <= value)
    above, rest = divmod(value, size)
    return f"{_cardinal(above)} {name}" + (f" {_cardinal(rest)}" if rest else "")


def number(digits: str) -> str:
    """A number by itself; of four digits between 1001 and 2999 it is read as a year: "nineteen eighty-four"."""
    if len(digits) != 4 or not 1000 < int(digits) < 3000 or digits == "2000" or digits[:3] == "200":
        return cardinal(digits)
    above, below = int(digits[:2]), int(digits[2:])
    if not below:
        return f"{_cardinal(above)} hundred"
    return f"{_cardinal(above)} {'oh ' if below < 10 else ''}{_cardinal(below)}"


def _decimal(whole: str, part: str | None) -> str:
    said = number(whole) if part is None else cardinal(whole)
    return said if part is None else " ".join([said, "point", *(ONES[int(digit)] for digit in part)])


def _money(whole: str, part: str | None, unit: str, small: str) -> str:
    if part is not None and (len(part) != 2 or not small):
        return f"{_decimal(whole, part)} {_counted(unit, 2)}"
    amounts = [(int(whole), unit), (int(part or 0), small)]
    said = [f"{cardinal(str(count))} {_counted(name, count)}" for count, name in amounts if count]
    return ", ".join(said) or f"zero {_counted(unit, 0)}"


def _counted(unit: str, count: int) -> str:
    return unit if count == 1 else PLURALS.get(unit, f"{unit}s")


def _pair(first: str, sign: str, second: str) -> str:
    above, below = int(first[:3]), int(second[:3])
    if sign == "/" and 0 < above < below and below in PARTS:
        return f"{_cardinal(above)} {PARTS[below][above > 1]}"
    if sign == ":" and second == "00":
        return f"{cardinal(first)} o'clock"
    if sign == ":" and len(second) == 2 and second[0] == "0":
        return f"{cardinal(first)} oh {cardinal(second[1])}"
    return f"{number(first)} {number(second)}"


def _ordinal(said: str) -> str:
    head, joint, last = re.fullmatch(r"(?:(.*)([ -]))?(\w+)", said).groups(default="")  # type: ignore[union-attr]
    last = ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return head + joint + last


def _plural(said: str) -> str:
    return f"{said[:-1]}ies" if said.endswith("y") else said + ("es" if said.endswith("six") else "s")
