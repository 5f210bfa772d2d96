#!/usr/bin/env bash
# Packages: faster-whisper 1.2.1 (its own copy of Silero's net and the numpy code around it), numpy 2.4.6
# Seen:     The voice activity model writes into the array that it is given: the last 64 samples (4 ms) come back as zeros. The part
#           that each window hears of the one before it is a view of the caller's audio, and the one that must be silent is silenced
#           there. Audio that is heard twice, or kept after, is no longer the audio; and where the 64 samples are the end of a chunk of a
#           song, a click stands there.
# Guessed:  That a model leaves what it is asked about as it was.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check faster-whisper==1.2.1 numpy==2.4.6
"$place/bin/python" - <<'PYTHON'
import numpy as np
from faster_whisper.vad import get_vad_model

song = np.random.default_rng(0).normal(0, 0.1, 16_000 * 2 // 512 * 512).astype(np.float32)
given = song.copy()
get_vad_model()(given)
changed = np.flatnonzero(given != song)
print(f"{len(song)} samples given; {len(changed)} changed, {len(song) - changed[0]} from the end on; all zero: {not given[changed].any()}")
assert len(changed) == 64 and changed[0] == len(song) - 64 and not given[changed].any()
given.flags.writeable = False
try:
    get_vad_model()(given)
    raise AssertionError("a read-only array was taken")
except ValueError as error:
    print("a read-only array:", error)
PYTHON
