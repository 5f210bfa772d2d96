#!/usr/bin/env bash
# Packages: mir_eval 0.8.2
# Seen:     A recogniser that answers X, "some chord, I do not know which", from the first second to the last gets a MIREX score of 1.0, the
#           best there is, for whatever chords the song has: an X is turned to its root as twelve notes that all sound, and of those three
#           always match. Triads, sevenths and major/minor of the same answer are 0.0. Saying X wherever one is unsure raises the MIREX score
#           and no other, so the two can rank systems in opposite order. "N" everywhere gets the share of N, as it should.
# Guessed:  The documentation leaves X out of the reference's time; in an answer it is a chord that is not matched, as in the scores beside it.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check mir_eval==0.8.2
"$place/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from mir_eval import chord

song = ["C:maj", "A:min", "F:maj7", "G:7", "D:min7/b3", "B:hdim7", "C:aug", "G:sus4", "N", "C:maj"]
bars = np.array([[2.0 * at, 2.0 * at + 2] for at in range(len(song))])
answers = {
    "right in 5 of 10, else A:maj": song[:5] + ["A:maj"] * 5,
    "right in 5 of 10, else X": song[:5] + ["X"] * 5,
    "X everywhere": ["X"] * len(song),
    "N everywhere": ["N"] * len(song),
}
seen = {}
for name, said in answers.items():
    scores = chord.evaluate(bars, song, bars, said)
    seen[name] = {key: round(float(scores[key]), 2) for key in ("mirex", "triads", "tetrads", "majmin", "sevenths")}
    print(f"{name}: {seen[name]}")
unknown = seen["X everywhere"]
assert unknown == {"mirex": 1.0, "triads": 0.0, "tetrads": 0.0, "majmin": 0.0, "sevenths": 0.0}
assert seen["right in 5 of 10, else X"]["mirex"] == 1.0 and seen["N everywhere"]["mirex"] == 0.1
assert seen["right in 5 of 10, else A:maj"]["mirex"] < 1
PYTHON
