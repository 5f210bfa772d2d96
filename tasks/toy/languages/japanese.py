"""Japanese toy lyrics in kana, in the voices ja of espeak, which cannot read kanji; a syllable is a mora here."""

from __future__ import annotations

from tasks.toy.languages.language import language

JAPANESE = language(
    "ja",
    {
        "noun": "'さ-く-ら 'ゆ-め 'そ-ら 'か-ぜ 'ほ-し 'よ-る 'こ-こ-ろ 'は-な 'う-み 'ひ-か-り 'な-み-だ",
        "who": "わ-た-し き-み ぼ-く",
        "of": "の",
        "object": "を",
        "subject": "が も",
        "place": "に で",
        "verb": "'う-た-う 'み-る 'さ-が-す 'わ-す-れ-る 'お-も-う 'よ-ぶ",
        "adjective": "'あ-か-い 'し-ろ-い",
        "time": "'い-ま 'い-つ-も 'ま-た",
    },
    (
        "who subject noun object verb",
        "noun of noun object verb",
        "time who subject noun place verb",
        "adjective noun of noun subject verb",
        "time adjective noun object verb",
    ),
    "ら あ",
    ("ja+f4", "ja+f1", "ja+m3", "ja"),
)
