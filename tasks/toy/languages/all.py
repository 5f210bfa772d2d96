"""Every language of toy lyrics, by its code, and what can be sung beside them."""

from __future__ import annotations

from tasks.toy.languages.english import ENGLISH
from tasks.toy.languages.english_drawn import ENGLISH_DRAWN
from tasks.toy.languages.french import FRENCH
from tasks.toy.languages.german import GERMAN
from tasks.toy.languages.italian import ITALIAN
from tasks.toy.languages.japanese import JAPANESE
from tasks.toy.languages.korean import KOREAN
from tasks.toy.languages.language import Language
from tasks.toy.languages.mandarin import MANDARIN
from tasks.toy.languages.spanish import SPANISH

LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (ENGLISH, GERMAN, SPANISH, FRENCH, ITALIAN, MANDARIN, JAPANESE, KOREAN)
}

SINGABLE: dict[str, Language] = {**LANGUAGES, ENGLISH_DRAWN.code: ENGLISH_DRAWN}
"""Languages, and words without a grammar."""
