"""Which facts of a song a text contradicts: the tempo, key, metre and voice that it states against what was measured.

A second measure of a caption beside the similarity of text and sound, which a number or one word in a text hardly moves. It knows only
what a text states outright and what somebody measured: nothing found is no praise, and a genre is no fact.

A beat may be counted double, triple, half or by thirds, and a key be named by its relative or a neighbour: these contradict nothing. A
voice is told by its middle note alone, which a low alto and a high tenor share; between `LOW_FEMALE` and `HIGH_MALE` nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eval.metrics.controls.tempo import tempo_right
from eval.metrics.key import key_score

Fact = Mapping[str, Any]
LOW_FEMALE, HIGH_MALE = 55.0, 59.0  # G3 and B3: the middle of a voice below is no woman's, above no man's
TEMPO = re.compile(r"\b(\d{2,3}(?:\.\d+)?)\s?(?:bpm|beats (?:a|per) minute)\b")
KEY = re.compile(r"\b([A-G](?:#|b|♯|♭|[ -]sharp|[ -]flat)?)[ -](major|minor)\b")
METRE = re.compile(r"(?<![\d/])([234])/4(?![\d/])")
WOMAN = re.compile(r"\b(?:female|wom[ae]n|girls?|soprano|alto)\b")
MAN = re.compile(r"\b(?:male|m[ae]n|boys?|tenor|baritone|bass (?:voice|singer))\b")


def contradicted(text: str, facts: Sequence[Fact]) -> list[str]:
    """The names of the facts that the text contradicts, in the order of `CHECKS`."""
    return [name for name, check in CHECKS.items() if (fact := _of(name, facts)) and check(text, fact)]


def _of(name: str, facts: Sequence[Fact]) -> Fact | None:
    """The fact of that name, if it has a value."""
    found = (fact for fact in facts if fact["name"] == name)
    return next((fact for fact in found if fact["number"] is not None or fact["text"]), None)


def _tempo(text: str, fact: Fact) -> bool:
    stated = [float(number) for number in TEMPO.findall(text.lower())]
    return any(bpm > 0 and not tempo_right(bpm, fact["number"])[1] for bpm in stated)


def _key(text: str, fact: Fact) -> bool:
    stated = [f"{_signed(tonic)} {mode}" for tonic, mode in KEY.findall(text)]
    return any(max(key_score(key, fact["text"]), key_score(fact["text"], key)) == 0 for key in stated)


def _signed(tonic: str) -> str:
    """``B flat`` as ``Bb``."""
    return re.sub("[ -]", "", tonic).replace("sharp", "#").replace("flat", "b")


def _metre(text: str, fact: Fact) -> bool:
    threes = {int(beats) % 3 == 0 for beats in METRE.findall(text)}  # 2/4 and 4/4 are alike to a listener
    return bool(threes) and (round(fact["number"]) % 3 == 0) not in threes


def _voice(text: str, fact: Fact) -> bool:
    woman, man = bool(WOMAN.search(text.lower())), bool(MAN.search(text.lower()))
    if woman == man:  # nobody is named, or both
        return False
    middle = fact["number"]
    return bool(middle < LOW_FEMALE) if woman else bool(middle > HIGH_MALE)


CHECKS: Mapping[str, Callable[[str, Fact], bool]] = {
    "tempo_bpm": _tempo,
    "key": _key,
    "metre": _metre,
    "register": _voice,
}
