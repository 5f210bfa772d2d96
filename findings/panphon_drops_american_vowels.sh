#!/usr/bin/env bash
# Packages: panphon 0.22.2, phonemizer 3.4.0, espeakng-loader 0.2.4 (espeak-ng 1.52)
# Seen:     panphon's table has no ɚ, no ɝ and no ᵻ, and what is not in it is left out, told by nothing. espeak writes those for
#           American English ("forever", "roses"), so a song's second syllables vanish before any distance is taken: a singer who
#           leaves them all out has a phone error rate of 0.0 and a feature distance of 0.0. So it is with the letter g, typed for ɡ.
# Guessed:  Its documentation means the table to hold every plain symbol of IPA; what it cannot read is an error, or costs something.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check panphon==0.22.2 phonemizer==3.4.0 espeakng-loader==0.2.4
"$place/bin/python" -W ignore - <<'PYTHON'
import espeakng_loader
from panphon import FeatureTable
from panphon.distance import Distance
from phonemizer import phonemize
from phonemizer.backend.espeak.wrapper import EspeakWrapper

EspeakWrapper.set_library(espeakng_loader.get_library_path())
EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
table, distance = FeatureTable(), Distance()
words = ["forever", "river", "sister", "roses", "water", "remember"]
asked = [phones.strip() for phones in phonemize(words, language="en-us", backend="espeak", strip=True)]
sung = [phones.replace("ɚ", "").replace("ᵻ", "") for phones in asked]
for word, phones in zip(words, asked):
    print(f"{word}: {phones} is read as", table.ipa_segs(phones))
lost = sum(len(phones) - len(kept) for phones, kept in zip(asked, sung))
error = distance.phoneme_error_rate(sung, asked)
features = sum(distance.feature_edit_distance(kept, phones) for kept, phones in zip(sung, asked))
print(f"{lost} vowels left out of {len(words)} words: phone error rate {error}, feature distance {features}")
print("alone:", {phone: table.ipa_segs(phone) for phone in "ɚɝᵻgɡəɜ"})
assert lost >= len(words) and error == features == 0
assert not any(table.ipa_segs(phone) for phone in "ɚɝᵻg") and all(table.ipa_segs(phone) for phone in "ɡəɜ")
PYTHON
