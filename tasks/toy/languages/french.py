"""French toy lyrics, in the voices fr of espeak; words are said one by one, so there is no liaison."""

from __future__ import annotations

from tasks.toy.languages.language import language

FRENCH = language(
    "fr",
    {
        "pronoun": "je tu nous vous",
        "verb": "'chante 'rêve 'cherche 'garde 'mar-chons 'cou-rez 'laisse",
        "article": "la ma ta une",
        "noun": "lu-'mière 'rue mai-'son 'lune chan-'son 'ville ri-'vière fo-'rêt 'mer mé-lo-'die",
        "adjective": "'douce 'calme per-'due lé-'gère 'seule nou-'velle",
        "place": "dans sous vers",
        "time": "tou-'jours de-'main ja-'mais long-'temps",
        "link": "et quand mais",
    },
    (
        "pronoun verb article noun adjective",
        "link pronoun verb article noun",
        "place article noun pronoun verb time",
        "time pronoun verb article noun",
        "article noun adjective place article noun",
    ),
    "oh la",
    ("fr+f4", "fr+f1", "fr+m3", "fr"),
)
