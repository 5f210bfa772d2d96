"""Which language a text is in: signs and alphabets of scripts decide where they can, py3langid tells those in Latin letters apart.

It is asked of whole songs; lines of lyrics are too short and too full of oh and la.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from tasks.languages.scripts import letters_by_script
from tasks.languages.table import LANGUAGES

SIGN_LETTERS = 2
"""A syllable block, a kana or a Han character weighs as so many letters of an alphabet."""
LEAST_KANA_SHARE = 0.05
"""Of kana among kana and Han characters: a Japanese text has it, a Chinese one has none but in a borrowed name."""


def detect(text: str, languages: Collection[str], min_letters: int) -> str | None:
    """The code of a text's language among these; None where it has too few letters of an alphabet to tell, or is in
    a script of none of them.
    """
    found = letters_by_script(text)
    kana, han = found["kana"], found["han"]
    signs = "ja" if kana and kana >= LEAST_KANA_SHARE * (kana + han) else "zh"
    weights = {
        signs: SIGN_LETTERS * (kana + han),
        "ko": SIGN_LETTERS * found["hangul"],
        "ru": found["cyrillic"],
    }
    other = max(weights, key=lambda code: weights[code])
    latin = tuple(code for code in languages if "latin" in LANGUAGES[code].scripts)
    if found["latin"] >= max(min_letters, weights[other]) and latin:
        return latin[0] if len(latin) == 1 else str(_identifier(latin).classify(text.lower())[0])
    return other if weights[other] and other in languages else None


@lru_cache(maxsize=8)
def _identifier(languages: Sequence[str]) -> Any:
    """py3langid limited to these languages: its own object, so that nobody else's limits are changed."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(languages))
    return identifier
