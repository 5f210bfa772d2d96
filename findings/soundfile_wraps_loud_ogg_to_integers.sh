#!/usr/bin/env bash
# Packages: soundfile 0.14.0 (its wheel holds libsndfile 1.2.2), numpy 2.4.6
# Seen:     A loud song overshoots full scale after lossy coding. Read as "int16" or "int32", an Ogg file of Vorbis or Opus comes back
#           with those samples wrapped: +1.0001 becomes -1, a full-scale click each, hundreds in three seconds here. The same song's MP3,
#           read by the same call, is clipped at full scale. As "float32" all three are right, so only pipelines of integers hear it.
# Guessed:  The documentation gives the integers' range and warns of files of floats alone; one expects clipping, for every format.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
"$place/bin/python" - <<'PYTHON'
import io

import numpy as np
import soundfile as sf

RATE, SECONDS = 48_000, 3
loud = np.clip(np.random.default_rng(0).normal(0, 0.4, RATE * SECONDS), -0.98, 0.98).astype(np.float32)
seen = {}
for container, codec in (("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS")):
    file = io.BytesIO()
    sf.write(file, loud, RATE, format=container, subtype=codec)
    exact = np.clip(sf.read(io.BytesIO(file.getvalue()), dtype="float32")[0], -1, 1)
    over = int(np.sum(np.abs(exact) == 1))
    for dtype, scale in (("int16", 2**15), ("int32", 2**31)):
        whole = sf.read(io.BytesIO(file.getvalue()), dtype=dtype)[0] / scale
        seen[codec, dtype] = int(np.sum(np.abs(whole - exact) > 1))
    print(f"{codec}: {over} samples at or over full scale; wrapped as int16 {seen[codec, 'int16']}, as int32 {seen[codec, 'int32']}")
assert seen["MPEG_LAYER_III", "int16"] == seen["MPEG_LAYER_III", "int32"] == 0
assert min(seen[codec, dtype] for codec in ("VORBIS", "OPUS") for dtype in ("int16", "int32")) > 100
PYTHON
