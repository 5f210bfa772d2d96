#!/usr/bin/env bash
# Packages: soundfile 0.14.0 (its wheel holds libsndfile 1.2.2), av 18.1.0 (writes the file), numpy 2.4.6
# Seen:     An MP3 of variable rate without a Xing frame, as streams and cut recordings are: `soundfile.read` returns 3.0 of
#           20.0 s and raises nothing. libsndfile takes the length from the rate of the first frames and stops there, so a loud
#           beginning loses the rest of the song. PyAV decodes all of it, but states a third length.
# Guessed:  A wrong length in the header's place costs a wrong `info().duration`; `read()` goes on to the last frame.
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
noise = np.random.default_rng(1).uniform(-0.5, 0.5, 2 * RATE)
tone = 0.2 * np.sin(2 * np.pi * 220 * np.arange(18 * RATE) / RATE)
song = np.concatenate([noise, tone]).astype(np.float32)

file = io.BytesIO()
with av.open(file, "w", format="mp3", options={"write_xing": "0"}) as out:
    options = {"flags": "+qscale", "global_quality": "236"}  # LAME's V2
    stream = out.add_stream("libmp3lame", rate=RATE, layout="mono", options=options)
    frame = av.AudioFrame.from_ndarray(song[None], format="fltp", layout="mono")
    frame.sample_rate = RATE
    out.mux(stream.encode(frame) + stream.encode(None))

read = len(sf.read(io.BytesIO(file.getvalue()))[0]) / RATE
with av.open(io.BytesIO(file.getvalue())) as container:
    stated = container.duration / 1e6
    decoded = sum(frame.samples for frame in container.decode(audio=0)) / RATE
print(f"written {len(song) / RATE:.1f} s; soundfile reads {read:.1f} s; PyAV states {stated:.1f} s and decodes {decoded:.1f} s")
assert read < 4 and 20 <= decoded < 20.1 and 7 < stated < 9
PYTHON
