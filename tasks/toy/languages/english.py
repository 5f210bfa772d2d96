"""English toy lyrics (nouns, verbs, pronouns, adjectives), in the voices en-us of espeak."""

from __future__ import annotations

from tasks.toy.languages.language import language

ENGLISH = language(
    "en",
    {
        "pronoun": "I: you: we: they:",
        "modal": "'nev-er can must may:",
        "verb": "'find: 'love 'fol-low re-'mem-ber 'car-ry 'sing 'know: 'hear: 'leave: 'hold: 'keep: 'fly: 'turn: 'whis-per",
        "owner": "the my: your: his",
        "adjective": "'gold:-en 'bro:-ken 'emp-ty 'burn:-ing 'lone:-ly 'o:-pen 'warm: 'se:-cret 'ten-der 'dis-tant",
        "noun": (
            "'riv-er 'morn:-ing 'win-dow: 'heart: 'sum-mer 'shad-ow: 'cit-y 'o:-cean 'gar:-den 'star: 'dream: "
            "'moun:-tain 'mem-o-ry 'rain: 'moon:"
        ),
        "place": "in 'un-der 'o:-ver be-'yond near:",
        "time": "to-'night: a-'gain 'slow:-ly for-'ev-er a-'way: to-'geth-er to-'mor-row:",
        "link": "and when but",
    },
    (
        "pronoun modal verb owner adjective noun",
        "pronoun verb owner noun place owner noun",
        "link pronoun verb owner noun time",
        "owner adjective noun modal verb pronoun",
        "pronoun modal verb pronoun time",
        "place owner noun pronoun adjective noun",
        "time pronoun verb owner adjective noun",
    ),
    "oh: yeah hey:",
    ("en-us+f4", "en-us+f1", "en-us+m3", "en-us+m7", "en-us"),
)
