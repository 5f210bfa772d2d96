"""Onsets of a sound: when something begins in it. Ours, by the rise of its level in bands; and librosa's, to hear with another pair of ears than those that asked.

Ours: the log power in 40 bands of equal width on the mel scale, 11.6 ms apart; what rises in each, summed; peaks of that which stand above their second by a
half of the song's spread, 50 ms apart or more. librosa's is its own detector on the struck part of the sound, which it takes out by its own filter.

Source: S. Dixon, Onset Detection Revisited (DAFx 2006).

Shapes: C 2 channels, N samples at 44.1 kHz, F frames of 512 samples, B bands.
"""

from __future__ import annotations

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded.spectra import stft

FLUX_IDENTITY, LIBROSA_IDENTITY = "embedded/spectral-flux@1", "librosa/onset-detect@1"
SIZE, HOP, BANDS = 2048, 512, 40
FLOOR = 1e-3  # of the loudest band
AROUND_S, APART_S, ABOVE = 1.0, 0.05, 0.5
LIBROSA_RATE_HZ = 22_050


def flux_onsets(sound_CN: np.ndarray) -> list[float]:
    """Seconds of the onsets of a sound [2, N], ascending; none of silence."""
    power_FK = np.abs(stft(sound_CN.mean(axis=0), SIZE, HOP)) ** 2
    bands_FB = power_FK @ _bands(power_FK.shape[1])
    if not bands_FB.any():
        return []
    level_FB = np.log(np.maximum(bands_FB, FLOOR * bands_FB.max()))
    rise_F = np.maximum(np.diff(level_FB, axis=0, prepend=level_FB[:1]), 0).sum(axis=1)
    return (_peaks(rise_F) * HOP / SAMPLE_RATE_HZ).tolist()


def librosa_onsets(sound_CN: np.ndarray) -> list[float]:
    """The same by librosa, of what is struck in the sound by its own filter."""
    import librosa
    import soxr

    if not sound_CN.any():
        return []
    mono_N = soxr.resample(sound_CN.mean(axis=0), SAMPLE_RATE_HZ, LIBROSA_RATE_HZ)
    struck_N = librosa.effects.percussive(mono_N)
    found = librosa.onset.onset_detect(y=struck_N, sr=LIBROSA_RATE_HZ, units="time")
    return [float(time_s) for time_s in found]


def _bands(num_bins: int) -> np.ndarray:
    """Which bin is in which band, [K, B]."""
    hz_K = np.arange(num_bins) * SAMPLE_RATE_HZ / SIZE
    mel_K = np.log1p(hz_K / 700)
    number_K = np.minimum((mel_K / mel_K[-1] * BANDS).astype(int), BANDS - 1)
    return (number_K[:, None] == np.arange(BANDS)).astype(np.float64)


def _peaks(rise_F: np.ndarray) -> np.ndarray:
    """Frames that are the highest within `APART_S` and stand above the mean of the second about them."""
    around, apart = round(AROUND_S / 2 * SAMPLE_RATE_HZ / HOP), round(APART_S * SAMPLE_RATE_HZ / HOP)
    sums = np.concatenate([[0.0], np.cumsum(rise_F)])
    first = np.maximum(np.arange(len(rise_F)) - around, 0)
    last = np.minimum(np.arange(len(rise_F)) + around + 1, len(rise_F))
    mean_F = (sums[last] - sums[first]) / (last - first)
    high = np.flatnonzero(rise_F > mean_F + ABOVE * rise_F.std())
    found: list[int] = []
    for frame in high[np.argsort(-rise_F[high], kind="stable")]:
        if all(abs(frame - other) >= apart for other in found):
            found.append(int(frame))
    return np.array(sorted(found), int)
