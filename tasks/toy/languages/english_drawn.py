"""English words drawn evenly, in no grammar: what the embedded ears are trained on, so that they learn phones, not lines.

A third of the words are of no toy song, and some words of toy songs are never drawn: how well those are read says how
much of a recogniser is the vocabulary by heart.
"""

from __future__ import annotations

import dataclasses

from tasks.toy.languages.english import ENGLISH
from tasks.toy.languages.language import Language, lexeme

HELD_OUT = ("distant", "hold", "lonely", "moon", "must", "river", "tomorrow", "under", "whisper")
"""Words of the English vocabulary that no training song has."""

_OTHER = """
af-ter moth-er let-ter be-lieve feel mind low bet-ter day light ba-by peo-ple wa-ter mon-ey lis-ten win-ter val-ley
ho-tel pa-per ta-ble la-dy bod-y gold rain snow blue sky hand stand land dance a-lone some-one mo-ment min-ute lit-tle
mid-dle trav-el feath-er weath-er pil-low hel-lo good-bye dia-mond is-land si-lent vio-lin pi-an-o ra-di-o mel-on
cof-fee but-ter bot-tle fin-ger sing-er glim-mer din-ner cor-ner bor-der daugh-ter doc-tor sis-ter broth-er an-oth-er
ei-ther an-i-mal met-al bat-tle vi-tal nee-dle trou-ble dou-ble ap-ple pur-ple fa-mous serv-ice prom-ise of-fice po-lice
piece won-der blun-der nar-row to-mor-row sor-row lim-it spir-it prof-it rab-bit mar-ket pock-et rock-et tick-et
blan-ket can-dle han-dle spin-dle par-ty pret-ty no-bod-y lul-la-by but-ter-fly de-ny sup-ply shel-ter vel-vet el-e-ment
tel-e-phone bring king wing keep sleep ship shape sheet short shoul-der shy room moon soon school food put look good
wood hood hat map lamp plan pen men bed said felt got lot cut fun sun sea me key go soap goat high night kite side may
say late plate train brain
"""
OTHER = tuple(map(lexeme, _OTHER.split()))
"""Words of other songs, in the phones of toy vocabularies; the first world's training songs draw from all of them."""

_UNEVEN = frozenset(("feel", "hotel", "school", "velvet"))  # espeak says their l inside the vowel
_KNOWN = tuple(word for word in ENGLISH.vocabulary if word.text not in HELD_OUT)

ENGLISH_DRAWN = Language(
    "en-drawn",
    {
        "known": _KNOWN,
        "other": tuple(
            dataclasses.replace(word, stressed=True)
            for word in OTHER
            if word.text not in _UNEVEN and word.text not in {known.text for known in ENGLISH.vocabulary}
        ),
    },
    tuple(
        tuple(line.split())
        for line in (
            "known known other known known",
            "known other known known known other",
            "other known known known other known known",
            "known known other known known known other known",
        )
    ),
    ENGLISH.voices,
    ENGLISH.ad_libs,
)
