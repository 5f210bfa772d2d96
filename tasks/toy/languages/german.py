"""German toy lyrics, in the voices de of espeak."""

from __future__ import annotations

from tasks.toy.languages.language import language

GERMAN = language(
    "de",
    {
        "pronoun": "ich du: wir: sie:",
        "verb": "'fin-de 'kau-fe 'su:-che 'tra:-ge 'hö:-re 'ru:-fe 'träu:-me 'wa-che 'sin-ge",
        "article": "die: das mei:-ne dei:-ne",
        "adjective": "'lei:-se 'war-me 'stil-le 'frem-de 'gol-de-ne 'o:-fe-ne 'wil-de",
        "noun": (
            "'Nacht 'Son-ne 'Lie:-be 'Stadt 'Blu:-me 'See:-le 'Hoff-nung 'Rei:-se 'Welt 'Stim-me 'Stra:-ße 'Me-lo-die:"
        ),
        "place": "in an ne:-ben un-ter",
        "time": "'heu:-te 'im-mer 'mor-gen 'wie:-der 'spä:-ter",
        "link": "und wenn doch",
    },
    (
        "pronoun verb article noun",
        "pronoun verb article adjective noun time",
        "link pronoun verb article noun",
        "place article adjective noun pronoun verb",
        "time pronoun verb article noun",
    ),
    "oh: ja: na:",
    ("de+f4", "de+f1", "de+m3", "de"),
)
