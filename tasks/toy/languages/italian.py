"""Italian toy lyrics, in the voices it of espeak."""

from __future__ import annotations

from tasks.toy.languages.language import language

ITALIAN = language(
    "it",
    {
        "pronoun": "tu lo-ro e-gli",
        "verb": "'can-to 'cer-co 'so:-gno 'guar-do 'vi:-vo ri-'cor-do 'chia:-mo",
        "article": "la u-na",
        "noun": "'not-te 'lu:-na 'lu:-ce 'vi:-ta mat-'ti:-na 'stel-la 'vo:-ce cit-'tà fi-'ne-stra pri-ma-'ve:-ra",
        "adjective": "'dol-ce se-'re:-na 'du-ra 'so:-la lon-'ta:-na 'bel-la",
        "place": "in con ver-so",
        "time": "'sem-pre do-'ma:-ni an-'co:-ra 'o-ra",
        "link": "e ma se",
    },
    (
        "pronoun verb article noun adjective",
        "link verb article noun place article noun",
        "time verb article noun",
        "place article noun adjective verb time",
        "article noun adjective time verb",
    ),
    "oh la",
    ("it+f4", "it+f1", "it+m3", "it"),
)
