#!/usr/bin/env bash
# Packages: lameenc 1.9.0 (what Demucs 4.1.0 writes `--mp3` stems with), soundfile 0.14.0, av 18.1.0, numpy 2.4.6
# Seen:     What lameenc encodes is an MP3 without a Xing/LAME frame, so no reader can skip the encoder's delay: by libsndfile and by
#           FFmpeg alike the sound lies 1,105 samples (25.06 ms) behind what was given, and is longer. libsndfile's own encoder,
#           given the same samples, writes that frame and comes back exact. Stems beside their song, or word times taken
#           from the song, are off by a phone's length.
# Guessed:  That two MP3 encoders that both wrap LAME write the same header, and that MP3 stems line up with their song.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check lameenc==1.9.0 soundfile==0.14.0 av==18.1.0 numpy==2.4.6
"$place/bin/python" - <<'PYTHON'
import io

import av
import lameenc
import numpy as np
import soundfile as sf

RATE = 44_100
song = np.random.default_rng(0).normal(0, 0.1, 3 * RATE)
encoder = lameenc.Encoder()
encoder.set_bit_rate(192)
encoder.set_in_sample_rate(RATE)
encoder.set_channels(1)
by_lameenc = bytes(encoder.encode((song * 32767).astype("<i2").tobytes())) + bytes(encoder.flush())
file = io.BytesIO()
sf.write(file, song, RATE, format="MP3")
by_libsndfile = file.getvalue()


def late(sound: np.ndarray) -> int:
    """Samples by which `sound` lies behind the song: the peak of their correlation."""
    size = 2 ** int(np.ceil(np.log2(len(sound) + len(song))))
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(song, size)))
    lag = int(np.argmax(product))
    return lag - size if lag > size // 2 else lag


def by_pyav(data: bytes) -> np.ndarray:
    with av.open(io.BytesIO(data)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


seen = {}
for name, data in (("lameenc", by_lameenc), ("libsndfile", by_libsndfile)):
    for reader, sound in (("soundfile", sf.read(io.BytesIO(data))[0]), ("PyAV", by_pyav(data))):
        seen[name, reader] = (late(sound), len(sound) - len(song))
        print(f"written by {name}, read by {reader}: {seen[name, reader][0]} samples late, {seen[name, reader][1]} longer")
assert seen["lameenc", "soundfile"][0] == seen["lameenc", "PyAV"][0] == 1105
assert seen["libsndfile", "soundfile"] == seen["libsndfile", "PyAV"] == (0, 0)
PYTHON
