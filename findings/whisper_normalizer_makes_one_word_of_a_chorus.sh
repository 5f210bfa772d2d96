#!/usr/bin/env bash
# Packages: whisper-normalizer 0.1.15 (the English rules of the Whisper paper, as leaderboards use them), jiwer 4.0.0
# Seen:     "oh" is a zero to it, and digits grow together: "oh oh oh oh" is the single word "0000", so one "oh" missed of four is a
#           word error rate of 1.00 where the plain words give 0.25, and "oh one more night" begins with "01". A count-in
#           "one two three four" is "1234". "a million dollar baby" is "a $1000000 baby". Backing vocals in brackets are
#           left out of the reference, so whoever hears them has invented words. Hums are deleted, "ah" and "la" are not.
# Guessed:  From its documentation: spellings, contractions and numbers become one form, so that a rate can only fall.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check whisper-normalizer==0.1.15 jiwer==4.0.0
"$place/bin/python" - <<'PYTHON'
import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

normal = EnglishTextNormalizer()
rates = {}
for asked, heard in (("oh oh oh oh", "oh oh oh"), ("one two three four", "one two three"), ("hold me (hold me)", "hold me hold me")):
    plain = jiwer.wer(asked.replace("(", "").replace(")", ""), heard)
    rates[asked] = (round(plain, 2), round(jiwer.wer(normal(asked), normal(heard)), 2))
    print(f"{asked!r} heard as {heard!r}: plain {rates[asked][0]}, normalised {rates[asked][1]} ({normal(asked)!r}, {normal(heard)!r})")
lines = ("oh one more night", "a million dollar baby", "hmm mm yeah", "ah la la")
seen = {line: normal(line) for line in lines}
for line, said in seen.items():
    print(f"{line!r} becomes {said!r}")
assert rates == {"oh oh oh oh": (0.25, 1.0), "one two three four": (0.25, 1.0), "hold me (hold me)": (0.0, 1.0)}
assert list(seen.values()) == ["01 more night", "a $1000000 baby", "yeah", "ah la la"]
PYTHON
