#!/usr/bin/env bash
# Packages: pydub 0.25.1, soundfile 0.14.0 (writes the file), numpy 2.4.6
# Seen:     A WAV of 32-bit floats whose header is WAVE_FORMAT_EXTENSIBLE, as some workstations export: pydub looks at the outer
#           code alone and takes the bits of the floats for integers. Level is gone (a part at -60 dBFS comes back at about -6, as does one
#           at -14) and nothing is raised. A-law in such a header is read as plain bytes. 16 and 24 bits in it are exact.
# Guessed:  The documentation says that WAV needs no FFmpeg and the rest goes to it: floats are read, or handed on, or refused.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check pydub==0.25.1 soundfile==0.14.0 numpy==2.4.6
"$place/bin/python" -W ignore - <<'PYTHON'
import io

import numpy as np
import soundfile as sf
from pydub import AudioSegment

RATE = 44_100
tone = np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
stem = np.concatenate([0.2 * 2**0.5 * tone, 0.001 * 2**0.5 * tone])


def levels(sound: np.ndarray) -> list[float]:
    """dBFS of the loud second and of the quiet one."""
    return [round(float(10 * np.log10(np.mean(part**2))), 1) for part in (sound[:RATE], sound[RATE:])]


print("written:", levels(stem))
seen = {}
for codec in ("PCM_16", "PCM_24", "FLOAT", "ALAW"):
    file = io.BytesIO()
    sf.write(file, stem, RATE, format="WAVEX", subtype=codec)
    file.seek(0)
    read = AudioSegment.from_file(file, format="wav")
    seen[codec] = levels(np.array(read.get_array_of_samples()) / 2 ** (8 * read.sample_width - 1))
    print(f"{codec} in an extensible header, by pydub: {seen[codec]}; by soundfile:", levels(sf.read(io.BytesIO(file.getvalue()))[0]))
assert levels(stem) == seen["PCM_24"] == [-14.0, -60.0]
assert all(abs(level + 6) < 1.5 for level in seen["FLOAT"]) and min(seen["ALAW"]) > -20
PYTHON
