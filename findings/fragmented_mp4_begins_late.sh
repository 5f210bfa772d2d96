#!/usr/bin/env bash
# Packages: av 18.1.0 (FFmpeg's libraries), numpy 2.4.6
# Seen:     The same AAC frames, muxed by FFmpeg's libraries: an M4A and a Matroska file state the encoder's 1,024 priming samples
#           and come back on time. An MP4 in fragments (`frag_keyframe+empty_moov`, how streams and browsers' recorders
#           write it) has no edit list: the priming comes out as sound from 0 s on, 23.2 ms late, and nothing tells it from the song.
# Guessed:  That a container which can state the delay does so in each of its flavours.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$place/bin/python" - <<'PYTHON'
import io

import av
import numpy as np

RATE = 44_100
song = np.zeros(3 * RATE, np.float32)
song[RATE : RATE + 400] = np.random.default_rng(0).uniform(-0.8, 0.8, 400)


def encoded(container: str, **options: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as out:
        stream = out.add_stream("aac", rate=RATE, layout="mono")
        for start in range(0, len(song), 1024):
            frame = av.AudioFrame.from_ndarray(song[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def late(data: bytes) -> tuple[int, float]:
    """Samples by which the click lies late when frames are joined, and the time in s of the first frame."""
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(audio=0))
    sound = np.abs(np.concatenate([frame.to_ndarray()[0] for frame in frames]))
    return int(np.argmax(sound > 0.25 * sound.max())) - RATE, float(frames[0].time)


seen = {
    "M4A": late(encoded("ipod")),
    "M4A in fragments": late(encoded("mp4", movflags="frag_keyframe+empty_moov")),
    "Matroska": late(encoded("matroska")),
}
for name, (samples, first) in seen.items():
    print(f"{name}: {samples} samples late, the first frame stands at {first:+.4f} s")
assert abs(seen["M4A"][0]) < 8 and abs(seen["Matroska"][0]) < 8
assert abs(seen["M4A in fragments"][0] - 1024) < 8 and seen["M4A in fragments"][1] == 0
PYTHON
