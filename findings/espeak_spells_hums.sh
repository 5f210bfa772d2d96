#!/usr/bin/env bash
# Packages: phonemizer 3.4.0, espeakng-loader 0.2.4 (espeak-ng 1.52)
# Seen:     What is hummed has no vowel, so the English voice spells it: "mmm" is "em em em", "shh" is "es aitch aitch", "brr" is
#           "bee ar ar", "mhm" is "em aitch em", while its neighbours "hmm" and "tsk" are said. A held "loooove" is one vowel said
#           twice and "nooo" begins as "new". On a grid of one token a phone a hum becomes six tokens or more that no voice makes.
#           Japanese in kanji comes out as the English words "Chinese letter", once a character, and nothing is raised.
# Guessed:  Interjections are in the dictionary, and a script that a voice cannot read is an error or empty.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check phonemizer==3.4.0 espeakng-loader==0.2.4
"$place/bin/python" - <<'PYTHON'
import espeakng_loader
from phonemizer import phonemize
from phonemizer.backend.espeak.wrapper import EspeakWrapper

EspeakWrapper.set_library(espeakng_loader.get_library_path())
EspeakWrapper.set_data_path(espeakng_loader.get_data_path())


def said(text: str, language: str = "en-us") -> str:
    return phonemize([text], language=language, backend="espeak", strip=True)[0]


words = ("mmm", "shh", "brr", "mhm", "hmm", "tsk", "loooove", "nooo")
seen = {word: said(word) for word in words}
print("  ".join(f"{word} {phones}" for word, phones in seen.items()))
tokyo = said("東京", "ja")
print("東京:", tokyo)
assert seen["mmm"] == "ɛmɛmɛm" and seen["shh"] == "ɛseɪtʃeɪtʃ" and seen["brr"] == "biːɑːɹɹɑːɹ" and seen["mhm"] == "ɛmeɪtʃɛm"
assert seen["hmm"] == "həm" and seen["tsk"] == "təsk" and seen["loooove"] == "luːuːv" and seen["nooo"].startswith("nuː")
assert tokyo.count("tʃaɪniːz") == 2
PYTHON
