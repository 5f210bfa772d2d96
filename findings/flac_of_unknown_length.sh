#!/usr/bin/env bash
# Packages: soundfile 0.14.0 (its wheel holds libsndfile 1.2.2), av 18.1.0, numpy 2.4.6
# Seen:     A FLAC file may state 0 samples, which its format defines as "unknown" (encoders that write to a pipe do).
#           `soundfile.info` gives it 2^63 - 1 frames, six million years. `soundfile.read` cannot make such an array; read in
#           blocks, each block comes and then the seek behind it fails, the first one's included: libsndfile reaches no
#           sample behind block one. PyAV states no length and decodes every sample.
# Guessed:  That an unknown length is 0 or an error of its own, and that reading block by block needs no length.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check soundfile==0.14.0 av==18.1.0 numpy==2.4.6
"$place/bin/python" - <<'PYTHON'
import io

import av
import numpy as np
import soundfile as sf

RATE = 44_100
file = io.BytesIO()
sf.write(file, np.random.default_rng(0).uniform(-0.3, 0.3, 3 * RATE), RATE, format="FLAC")
data = bytearray(file.getvalue())
data[21] &= 0xF0  # STREAMINFO: the number of samples is 36 bits from the lower half of byte 21
data[22:26] = bytes(4)

info = sf.info(io.BytesIO(data))
print(f"soundfile.info: {info.frames} frames, {info.duration:,.0f} s")
try:
    whole = f"{len(sf.read(io.BytesIO(data))[0])} frames"
except ValueError as error:
    whole = f"ValueError: {error}"
print(f"soundfile.read: {whole}")
try:
    with sf.SoundFile(io.BytesIO(data)) as opened:
        blocks = f"{sum(iter(lambda: len(opened.read(RATE)), 0))} frames"
except sf.LibsndfileError as error:
    blocks = f"LibsndfileError: {error}"
with av.open(io.BytesIO(data)) as container:
    stated = container.duration
    decoded = sum(frame.samples for frame in container.decode(audio=0))
print(f"soundfile by blocks: {blocks}; PyAV states {stated}, decodes {decoded}")
assert info.frames == 2**63 - 1 and whole.startswith("ValueError") and blocks.startswith("LibsndfileError")
assert decoded == 3 * RATE and stated is None
PYTHON
