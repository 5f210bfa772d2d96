#!/usr/bin/env bash
# Packages: phonemizer 3.4.0, espeakng-loader 0.2.4 (espeak-ng 1.52)
# Seen:     Lyrics in capitals, as whole songs and hooks are typed: of 142 common words the English voice says 139 as it says them in small
#           letters, and takes three for abbreviations: "IT" is "eye tee", "US" is "you ess", "LA" is "el ay". "LET IT BE" has
#           four syllables and asks for "I.T.", "LA LA LA" has six. "It", "IT'S" and "THEM" are words, so a line
#           tried in capitals mostly passes, and those three are among the words that songs have most often.
# Guessed:  Capitals make no difference, or a word all in capitals is spelled; or a line all in capitals is known for what it is.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check phonemizer==3.4.0 espeakng-loader==0.2.4
"$place/bin/python" -W ignore - <<'PYTHON'
import espeakng_loader
from phonemizer.backend import EspeakBackend
from phonemizer.backend.espeak.wrapper import EspeakWrapper

EspeakWrapper.set_library(espeakng_loader.get_library_path())
EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
voice = EspeakBackend("en-us")
WORDS = """the and you to a i it me my in of that your on for be all is so with know love we this don't just what like no oh can when but if now
do go up get out was one got are time yeah come never baby say let how see make want they feel take he have there her down not as back way will
here heart where she at cause tell give life away day why night then need more some by from good over right ain't could us am every little eyes
who been would our world look man long gonna wanna alone girl home hold only off too into hey keep think find hear turn thing stay live leave
always still la na ooh ah hi ha do re mi ok tv or an pop lady mama""".split()
WORDS = list(dict.fromkeys(WORDS))


def said(words: list[str]) -> list[str]:
    return [line.strip() for line in voice.phonemize(words)]


small, capitals, first = said(WORDS), said([word.upper() for word in WORDS]), said([word.capitalize() for word in WORDS])
spelled = {word: (low, high) for word, low, high in zip(WORDS, small, capitals, strict=True) if low != high}
print(f"{len(WORDS)} words; said otherwise in capitals: {spelled}; with a capital first letter: {sum(map(str.__ne__, small, first))}")
LINES = ["LET IT BE", "TELL US WHY", "LA LA LA", "IT'S ALL FOR THEM"]
lines = dict(zip(LINES, zip(said(LINES), said([line.lower() for line in LINES]), strict=True), strict=True))
for line, (high, low) in lines.items():
    print(f"{line}: {high}; in small letters {low}")
assert spelled == {"it": ("ɪt", "aɪtiː"), "us": ("ʌs", "juːɛs"), "la": ("læ", "ɛleɪ")} and small == first
assert lines["LET IT BE"] == ("lɛt aɪtiː biː", "lɛt ɪt biː") and lines["LA LA LA"][0] == "ɛleɪ ɛleɪ ɛleɪ"
PYTHON
