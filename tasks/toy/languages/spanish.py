"""Spanish toy lyrics, in the voices es of espeak."""

from __future__ import annotations

from tasks.toy.languages.language import language

SPANISH = language(
    "es",
    {
        "pronoun": "yo tú",
        "verb": "'can-to 'bus-co 'mi-ro 'sue:-ño 'vi-vo 'es-pe-ro re-'cuer:-do 'lla-mo",
        "article": "la mi u-na",
        "noun": "'no-che ma-'ña-na 'luz 'vi-da 'ca-sa 'lu-na 'voz es-'tre-lla 'al-ma 'ca-lle go-lon-'dri-na",
        "adjective": "'cla-ra se-'re-na 'nue:-va 'so-la per-'di-da 'lar-ga",
        "place": "en so-bre con",
        "time": "'hoy: 'siem:-pre 'tar-de 'nun-ca des-'pa-cio",
        "link": "y pe-ro si",
    },
    (
        "pronoun verb article noun adjective",
        "time verb article noun",
        "link pronoun verb place article noun",
        "place article noun adjective pronoun verb",
        "article noun adjective time",
    ),
    "oh la",
    ("es+f4", "es+f1", "es+m3", "es"),
)
