"""English as it is read aloud, by inflect: abbreviations, dollars and other amounts, fractions, ordinals and digits become words.

The rules are those of jamify's text normaliser (its fork of DeepPhonemizer, after Amphion's), so that a word
gets the phonemes the released checkpoint was trained on: ``21st`` is "twenty-first", ``1984`` "nineteen
eighty-four", ``$2.50`` "2 dollars, 50 cents" and then "two dollars, fifty cents".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inflect import engine as Inflect

ABBREVIATIONS = {
    "mrs": "misess",
    "mr": "mister",
    "dr": "doctor",
    "st": "saint",
    "co": "company",
    "jr": "junior",
    "maj": "major",
    "gen": "general",
    "drs": "doctors",
    "rev": "reverend",
    "lt": "lieutenant",
    "hon": "honorable",
    "sgt": "sergeant",
    "capt": "captain",
    "esq": "esquire",
    "ltd": "limited",
    "col": "colonel",
    "ft": "fort",
    "etc": "et cetera",
    "btw": "by the way",
}
MAX_DIGITS = 15
"""A longer number is read digit by digit."""


def read_aloud(text: str) -> str:
    """The text with everything written short spelt out, in the order the released normaliser does it."""
    for written, said in RULES.items():
        text = re.sub(written, said, text)
    return " ".join(text.split())


def _abbreviation(found: re.Match[str]) -> str:
    return ABBREVIATIONS[found[0].lower()]


def _without_commas(found: re.Match[str]) -> str:
    return found[0].replace(",", "")


def _dollars(found: re.Match[str]) -> str:
    amounts = ((found[1].lstrip("0"), "dollar"), ((found[2] or "").lstrip("0"), "cent"))
    said = [f"{digits} {unit}{'' if digits == '1' else 's'}" for digits, unit in amounts if digits]
    return f" {', '.join(said) or 'zero dollars'} "


def _fraction(found: re.Match[str]) -> str:
    fixed = {("1", "2"): "one half", ("1", "4"): "one quarter"}
    plural = {"2": "halves", "4": "quarters"}
    above, below = found[1].lstrip("0"), found[2].lstrip("0")
    if (above, below) in fixed:
        return f" {fixed[above, below]} "
    return f" {_cardinal(found[1])} {plural.get(below) or _nth(found[2])} "


def _ordinal(found: re.Match[str]) -> str:
    return f" {_nth(found[1])} "


def _number(found: re.Match[str]) -> str:
    return f" {_counted(found[0])} "


def _nth(digits: str) -> str:
    return str(_inflect().ordinal(_cardinal(digits)))


def _counted(digits: str) -> str:
    """A number of four digits from 1001 to 2999 is read as a year."""
    number = int(digits) if len(digits) <= MAX_DIGITS else 0
    if number == 2000 or not 1000 < number < 3000:
        return _cardinal(digits, andword="")
    if 2000 < number < 2010:
        return f"two thousand {_cardinal(digits[-2:])}"
    if number % 100 == 0:
        return f"{_cardinal(str(number // 100))} hundred"
    pairs = _inflect().number_to_words(digits, andword="", zero="oh", group=2)
    return str(pairs).replace(", ", " ")


def _cardinal(digits: str, andword: str = "and") -> str:
    if len(digits) > MAX_DIGITS:
        return str(_inflect().number_to_words(digits, group=1)).replace(", ", " ")
    return str(_inflect().number_to_words(digits.lstrip("0") or "0", andword=andword))


@cache
def _inflect() -> Inflect:
    import inflect

    return inflect.engine()


RULES: dict[str, str | Callable[[re.Match[str]], str]] = {
    rf"(?i:\b({'|'.join(ABBREVIATIONS)})\b)": _abbreviation,
    r"[0-9][0-9,]+[0-9]": _without_commas,
    r"£([0-9,]*[0-9]+)": r"\1 pounds",
    r"\$(?=\.?[0-9])([0-9]*)(?:\.([0-9]+))?": _dollars,
    r"([0-9]+)/([0-9]+)": _fraction,
    r"([0-9]+)\.([0-9]+)": r"\1 point \2",
    r"([0-9.,]*[0-9])%": r"\1 percent ",
    r"([0-9]+)(?:st|nd|rd|th)": _ordinal,
    r"[0-9]+": _number,
}
"""What is written short, and what is said instead; applied in this order."""
