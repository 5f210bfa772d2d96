"""Three judges to try the rules of preference training on; none measures quality.

`brightness` and `contrast` are easy to fool: hiss is the brightest sound, bursts in silence have the most
contrast, and a policy that is rewarded for it forgets the song; the non-inferiority metrics of a round must see it. `coin` says
nothing about a song: rounds that follow it should neither gain nor stop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded.song_statistics import analyse

ABOVE_HZ = 4000.0
RANGE_DB = 40.0
FFT_SAMPLES = 2048


def brightness(mix_CN: np.ndarray) -> float:
    """The energy above 4 kHz against all of it: 5 when it is all there, 1 from 40 dB below on (and for silence),
    even in dB.
    """
    mid_N = mix_CN.mean(axis=0, dtype=np.float64)
    mid_FS = np.pad(mid_N, (0, -len(mid_N) % FFT_SAMPLES)).reshape(-1, FFT_SAMPLES)
    power_K = np.square(np.abs(np.fft.rfft(mid_FS * np.hanning(FFT_SAMPLES), axis=1))).sum(axis=0)
    first = round(ABOVE_HZ * FFT_SAMPLES / SAMPLE_RATE_HZ)
    share = power_K[first:].sum() / max(power_K.sum(), 1e-12)
    return 5 - 4 * min(-10 * np.log10(max(share, 1e-12)), RANGE_DB) / RANGE_DB


def contrast(mix_CN: np.ndarray) -> float:
    """How far the loud moments stand above the quiet ones: 1 when not at all (as in silence), 5 from 40 dB on."""
    quiet_db, loud_db = np.percentile(analyse(mix_CN).mid_FB.mean(axis=1), [10, 90])
    return 1 + 4 * min((loud_db - quiet_db) / RANGE_DB, 1)


def coin(mix_CN: np.ndarray) -> float:
    """A number drawn from the samples: the same for the same sound, and for any other as good as random, even in
    [1, 5).
    """
    digest = hashlib.sha256(np.ascontiguousarray(mix_CN, np.float32).tobytes()).digest()
    return 1 + 4 * (int.from_bytes(digest[:6], "little") / 2**48)


TRIALS: dict[str, Callable[[np.ndarray], float]] = {
    "brightness": brightness,
    "contrast": contrast,
    "coin": coin,
}


class TrialJudge:
    """A judge with one axis, that of its name in TRIALS."""

    low, high = 1.0, 5.0

    def __init__(self, name: str) -> None:
        self.identity = trial_identity(name)
        self.axes: tuple[str, ...] = (name,)

    def score(self, mix_CN: np.ndarray) -> np.ndarray:
        """Its one figure, float64 [1], in [1, 5].

        Raises:
            ValueError: not [2, N] or not finite.
        """
        check_mix(mix_CN)
        return np.array([TRIALS[self.axes[0]](mix_CN)])


def trial_identity(name: str) -> str:
    """Name and revision of a judge of TRIALS."""
    return f"embedded/{name}@1"


def check_mix(mix_CN: np.ndarray) -> None:
    """Raises ValueError for what is no finite stereo mix [2, N]."""
    if mix_CN.ndim != 2 or len(mix_CN) != 2 or not mix_CN.shape[1] or not np.isfinite(mix_CN).all():
        raise ValueError(f"a mix is finite [2, N] with N >= 1; got {list(mix_CN.shape)}")
