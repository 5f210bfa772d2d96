#!/usr/bin/env bash
# Packages: museval 0.4.1 (its metrics.py alone; the package around it asks for a program), scipy 1.17.1, numpy 2.4.6
# Seen:     A window in which any one stem is silent, in the reference or in the answer, is NaN for every stem, and the song's score is the
#           median of the others. A separator that mutes the voice wherever it fails rises from 10 to 20 dB: it scores as if nothing
#           had gone wrong. Where there is no voice, as in each intro and solo, no stem is judged: the whole band may stand in
#           the voice's stem and be gone from its own, at 20 dB for both. Only exact silence does it: noise at -120 dB is judged.
# Guessed:  A window is left out for the stem that is silent in it; a voice that is muted where it should be heard costs as much as noise.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$place/bin/pip" install -q --disable-pip-version-check --no-deps museval==0.4.1
"$place/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(find_spec("museval").origin).parent))
import numpy as np
from metrics import bss_eval

RATE, SECONDS = 8_000, 12
noise = np.random.default_rng(0).normal(0, 1, (6, SECONDS * RATE, 1))
voice, band, soft, softer, other = noise[0] / 10, noise[1] / 10, noise[2] / 100, noise[3] / 100, noise[4] / 10
nothing = np.zeros_like(voice)


def then(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """`first` for the first half of the song, `second` for the rest."""
    return np.concatenate([first[: len(first) // 2], second[len(first) // 2 :]])


songs = {
    "right throughout": ((voice, band), (voice + soft, band + softer)),
    "voice lost in noise for half of the song": ((voice, band), (then(voice + soft, voice + other), band + softer)),
    "voice muted for half of the song": ((voice, band), (then(voice + soft, nothing), band + softer)),
    "the same, nearly muted": ((voice, band), (then(voice + soft, noise[5] * 1e-6), band + softer)),
    "half is a solo, the band in the voice's stem": ((then(voice, nothing), band), (then(voice + soft, band), then(band + softer, soft))),
}
seen = {}
for name, (reference, answer) in songs.items():
    ratios = bss_eval(np.stack(reference), np.stack(answer), window=RATE, hop=RATE)[0]
    seen[name] = [round(float(value)) for value in np.nanmedian(ratios, axis=1)]
    print(f"{name}: voice {seen[name][0]} dB, band {seen[name][1]} dB, windows judged {np.isfinite(ratios).sum(axis=1).tolist()} of {SECONDS}")
assert seen["right throughout"] == seen["voice muted for half of the song"] == [20, 20]
assert seen["half is a solo, the band in the voice's stem"] == [20, 20]
assert seen["voice lost in noise for half of the song"] == [10, 20]
assert seen["the same, nearly muted"][0] <= 10 and seen["the same, nearly muted"][1] == 20
PYTHON
