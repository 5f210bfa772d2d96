"""Silero's voice activity net, v6, as faster-whisper ships it: a probability of voice every 32 ms of a mix.

The file is read by onnxruntime, not through faster-whisper, whose own reader overwrites the last 4 ms of what it is given.

Source: Silero Team, Silero VAD, github.com/snakers4/silero-vad.

Shapes: B windows in a pass, W windows, N samples at 16 kHz.
"""

from __future__ import annotations

import numpy as np

from tasks.models.real.common import batches, mono_at
from tasks.models.released_weights import Card
from tasks.models.voice_activity import SileroModel

VERSION = 1
FILE = "silero_vad_v6.onnx"
CARD = Card(
    name="Silero VAD",
    section="models.voice_activity.silero",
    packages=("faster-whisper", "onnxruntime", "soxr"),
    files=(FILE,),
    released_at="github.com/snakers4/silero-vad",
    licence="MIT",
)
CARDS = (CARD,)
RATE_HZ = 16_000
WINDOW, BEFORE = 512, 64  # samples of a window, and of the one before that it is heard with
STATE = (1, 1, 128)


class Silero:
    """The net, in one thread. Its state goes from pass to pass, so that the size of a pass changes nothing."""

    def __init__(self, settings: SileroModel, identity: str) -> None:
        self.identity = identity
        self._settings = settings
        with settings.loading(CARD) as folder:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = 4
            self._net = onnxruntime.InferenceSession(
                str(folder / FILE), sess_options=options, providers=["CPUExecutionProvider"]
            )

    def voiced_s(self, mix_CN: np.ndarray) -> float:
        """See `VoiceActivity.voiced_s`; in steps of 32 ms. Of the left, the right and the middle what holds most: a voice on
        one side is lost in the middle of a band, and one that is opposite on both sides is not in it.
        """
        heard = [np.stack([mix_CN[0]] * 2), np.stack([mix_CN[1]] * 2), mix_CN]
        windows = [(self.probabilities(part_CN) >= self._settings.threshold).sum() for part_CN in heard]
        return int(max(windows)) * WINDOW / RATE_HZ

    def voiced_at(self, mix_CN: np.ndarray, times_s: np.ndarray) -> np.ndarray:
        """See `VoiceActivity.voiced_at`; of the window that holds each time, in the middle alone."""
        voiced_W = self.probabilities(mix_CN) >= self._settings.threshold
        return voiced_W[np.minimum((times_s * RATE_HZ / WINDOW).astype(int), len(voiced_W) - 1)]

    def probabilities(self, mix_CN: np.ndarray) -> np.ndarray:
        """Of a voice in each window of the middle of a mix [2, N] at 44.1 kHz, [W]."""
        audio_N = mono_at(mix_CN, RATE_HZ)
        padded_N = np.pad(audio_N, (BEFORE, -len(audio_N) % WINDOW))
        windows_WN = np.lib.stride_tricks.sliding_window_view(padded_N, BEFORE + WINDOW)[::WINDOW]
        hidden, cell = np.zeros(STATE, np.float32), np.zeros(STATE, np.float32)
        heard = []
        for some_WN in batches(windows_WN, self._settings.batch_size):
            given = {"input": np.ascontiguousarray(some_WN), "h": hidden, "c": cell}
            voice_B, hidden, cell = self._net.run(None, given)
            heard.append(np.asarray(voice_B).ravel())
        return np.concatenate(heard)


build = Silero
