"""How espeak-ng says the words of toy songs."""

from __future__ import annotations

from functools import cache

from tasks.toy.composition import VOCABULARY
from tasks.toy.sound.singers import sing_notes

STRESS = str.maketrans("", "", "ˈˌ")


@cache
def pronunciations() -> dict[str, list[str]]:
    """Every word of the vocabulary to its phones as espeak sings them, stress marks removed."""
    sung = sing_notes("en-us", [(word, 1.0, 57) for word in VOCABULARY])
    return {
        word: [phone.translate(STRESS) for phone, _, _ in phones]
        for word, (_, phones) in zip(VOCABULARY, sung, strict=True)
    }
