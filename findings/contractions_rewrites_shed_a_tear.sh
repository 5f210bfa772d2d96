#!/usr/bin/env bash
# Packages: contractions 0.1.73
# Seen:     Beside "she'd" it replaces what is left of it without its apostrophe, and that is a word of its own: "shed a tear"
#           becomes "she would a tear", "a shell" "a she will", a monk's "cant" "cannot". Of such pairs it spares some ("hell", "ill",
#           "wed", "were") and not others. Lyrics cleaned with it before they are compared or phonemized have words that nobody wrote,
#           and more of them: "shed" is one syllable and one note, "she would" two.
# Guessed:  That it rewrites what has an apostrophe, as its summary says, and slang that is no other word.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check contractions==0.1.73
"$place/bin/python" -W ignore - <<'PYTHON'
import contractions

EXPECTED = {
    "I shed a tear": "I she would a tear",
    "ocean in a shell": "ocean in a she will",
    "they shed their skin": "they she would their skin",
    "the preacher's cant": "the preacher's cannot",
    "as is my wont": "as is my will not",
    "to hell and back": "to hell and back",
    "we wed at dawn": "we wed at dawn",
}
seen = {line: contractions.fix(line) for line in EXPECTED}
for line, fixed in seen.items():
    print(f"{line!r} -> {fixed!r}")
assert seen == EXPECTED
PYTHON
