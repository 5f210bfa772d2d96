#!/usr/bin/env bash
# Packages: mir_eval 0.8.2
# Seen:     Boundary scores with `trim=True`, as papers on music structure report them, leave out the song's start and end. A song of one part has
#           no other bound, and an estimate that says exactly that gets precision, recall and F of 0.0, the worst there is, with a warning
#           and no error; untrimmed the same answer gets 1.0, and `deviation` of the same two songs is NaN. In a set with 10 such songs in
#           100, a perfect system has a mean F of 0.90, and whoever invents a bound in each of them loses nothing by it.
# Guessed:  NaN, as `deviation` beside it, or 1.0: both sides agree in everything.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check mir_eval==0.8.2
"$place/bin/python" -W ignore - <<'PYTHON'
import math

import numpy as np
from mir_eval.segment import detection, deviation

one = np.array([[0.0, 30.0]])
two = np.array([[0.0, 15.0], [15.0, 30.0]])


def trimmed(truth, said):
    return float(detection(truth, said, window=0.5, trim=True)[2])


perfect, invented = trimmed(one, one), trimmed(one, two)
whole = float(detection(one, one, window=0.5)[2])
away = [float(value) for value in deviation(one, one, trim=True)]
songs = [two] * 90 + [one] * 10
mean = sum(trimmed(song, song) for song in songs) / len(songs)
print(f"one part, said rightly: trimmed F {perfect}, untrimmed {whole}, deviation {away}; a bound invented in it: {invented}")
print(f"100 songs said rightly, 10 of them of one part: mean trimmed F {mean:.2f}")
assert (perfect, invented, whole, round(mean, 2)) == (0.0, 0.0, 1.0, 0.9) and all(map(math.isnan, away))
PYTHON
