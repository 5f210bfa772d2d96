#!/usr/bin/env bash
# Packages: mir_eval 0.8.2
# Seen:     Pitch tracks of singers are often lists of the voiced frames alone: where nobody is heard there is no line. mir_eval draws pitch
#           and voicing on through such a gap, however long. An estimate without one error has a false alarm rate of 1.0 for it and loses each
#           rest from its overall accuracy. As the reference, such a list has no rests to be judged by: one who never stops singing, half
#           the song being rest, gets 1.0 in all five scores. With the rests written as 0 Hz both are told apart.
# Guessed:  The documentation defines 0 Hz as unvoiced and resamples to the reference's times; a second without a line is unvoiced, or refused.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check mir_eval==0.8.2
"$place/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from mir_eval.melody import evaluate

times = np.arange(0, 20, 0.01)
voices = (times % 4) < 2
song = np.where(voices, 220.0, 0.0)
endless = np.full(len(times), 220.0)


def scores(reference, estimate) -> list[float]:
    """Voicing recall, false alarms, raw pitch, raw chroma, overall."""
    return [round(float(value), 2) for value in evaluate(*reference, *estimate).values()]


zeros, voiced = (times, song), (times[voices], song[voices])
seen = {
    "right, rests as 0 Hz": scores(zeros, zeros),
    "right, rests left out": scores(zeros, voiced),
    "endless, rests as 0 Hz in the reference": scores(zeros, (times, endless)),
    "endless, rests left out of the reference": scores(voiced, (times, endless)),
}
for name, values in seen.items():
    print(f"{name}: recall {values[0]}, false alarms {values[1]}, pitch {values[2]}, overall {values[4]}")
assert seen["right, rests as 0 Hz"] == [1, 0, 1, 1, 1] == seen["endless, rests left out of the reference"]
assert seen["right, rests left out"] == seen["endless, rests as 0 Hz in the reference"] == [1, 1, 1, 1, 0.5]
PYTHON
