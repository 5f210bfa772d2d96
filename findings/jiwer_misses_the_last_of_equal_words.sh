#!/usr/bin/env bash
# Packages: jiwer 4.0.0 (RapidFuzz 3.x does its alignment)
# Seen:     Of equal neighbours, as every "la la la" has them, the alignment always calls the LAST of the reference missing, and
#           of a word sung once too often the LAST is the inserted one, whichever it was. Word times paired through it are then
#           off by a whole word for each neighbour: asked at 1, 2, 3, 4 s, sung at 2, 3, 4 s, all three starts are "1 s late".
# Guessed:  That of alignments of equal cost none is preferred for all songs, or that the middle is taken.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check jiwer==4.0.0
"$place/bin/python" - <<'PYTHON'
import jiwer

asked, sung = [1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0]
for before, after in (("", ""), ("hey ", ""), ("", " go")):
    missing = jiwer.process_words(f"{before}la la la la{after}", f"{before}la la la{after}").alignments[0]
    first = len(before.split())
    gone = [chunk.ref_start_idx - first for chunk in missing if chunk.type == "delete"]
    doubled = jiwer.process_words(f"{before}la la la{after}", f"{before}la la la la{after}").alignments[0]
    new = [chunk.hyp_start_idx - first for chunk in doubled if chunk.type == "insert"]
    print(f"{before}la la la la{after}: the missing one is number {gone[0] + 1}, the inserted one number {new[0] + 1}")
    assert gone == new == [3]
errors = [late - due for due, late in zip(asked, sung)]
print("starts paired by it, in s:", errors)
assert errors == [1.0, 1.0, 1.0]
PYTHON
