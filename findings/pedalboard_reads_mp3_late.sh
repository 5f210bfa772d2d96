#!/usr/bin/env bash
# Packages: pedalboard 0.9.26, soundfile 0.14.0, miniaudio 1.71, numpy 2.4.6
# Seen:     An MP3 that states its encoder's delay (a LAME header, written by libsndfile or by pedalboard itself) is exact for
#           libsndfile and miniaudio. pedalboard's AudioFile plays the delay: the song lies 1,105 samples (25.06 ms) late and `frames` and
#           `duration` count the padding. Its own round trip of writing and reading moves a song by as much. FLAC and Vorbis are exact, so
#           only the songs that came as MP3 lie beside their word times.
# Guessed:  Its documentation shows an MP3 of 30 s with a duration of 30.0; who writes that header also reads it.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check pedalboard==0.9.26 soundfile==0.14.0 miniaudio==1.71 numpy==2.4.6
"$place/bin/python" - <<'PYTHON'
import io

import miniaudio
import numpy as np
import soundfile as sf
from pedalboard.io import AudioFile

RATE = 44_100
song = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)


def late(sound: np.ndarray) -> tuple[int, int]:
    """Samples by which `sound` lies behind the song (the peak of their correlation), and by which it is longer."""
    size = 2 ** int(np.ceil(np.log2(len(sound) + len(song))))
    lag = int(np.argmax(np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(song, size)))))
    return lag - size if lag > size // 2 else lag, len(sound) - len(song)


def written(by: str, form: str) -> bytes:
    file = io.BytesIO()
    if by == "libsndfile":
        sf.write(file, song, RATE, format=form)
    else:
        with AudioFile(file, "w", RATE, 1, format=form.lower()) as out:
            out.write(song[None])
    return file.getvalue()


def by_pedalboard(data: bytes) -> np.ndarray:
    with AudioFile(io.BytesIO(data)) as opened:
        return opened.read(opened.frames)[0]


seen = {}
for by, form in (("libsndfile", "MP3"), ("pedalboard", "MP3"), ("libsndfile", "FLAC"), ("libsndfile", "OGG")):
    data = written(by, form)
    heard = miniaudio.decode(data, miniaudio.SampleFormat.FLOAT32, nchannels=1, sample_rate=RATE)
    seen[by, form] = late(by_pedalboard(data))
    others = late(sf.read(io.BytesIO(data))[0]), late(np.array(heard.samples))
    print(f"{form} by {by}: pedalboard {seen[by, form]}, libsndfile {others[0]}, miniaudio {others[1]} (samples late, longer)")
    assert others == ((0, 0), (0, 0))
assert seen["libsndfile", "MP3"][0] == seen["pedalboard", "MP3"][0] == 1105 and seen["libsndfile", "MP3"][1] > 1105
assert seen["libsndfile", "FLAC"] == seen["libsndfile", "OGG"] == (0, 0)
PYTHON
