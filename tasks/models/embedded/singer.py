"""Whose voice separated vocals are: the balance of their bands where a pitch is clear, and the pitch itself, as statistics for a linear readout.

A woman's formants lie higher than a man's on any note, so that a low alto and a high tenor can be told apart where notes alone say nothing.

Shapes: N samples, F frames, B bands, D statistics.
"""

from __future__ import annotations

import numpy as np

from tasks.models.embedded.pitch import track_pitch
from tasks.models.embedded.spectra import band_energies, decibels, mel_bank, power, stft

SIZE, HOP = 4096, 1024
NUM_BANDS, LOW_HZ, HIGH_HZ = 24, 200.0, 6000.0
FLOOR = 1e-4
CLEAR = 0.2  # of a pitch: below, a frame says nothing
LOUD_DB = 20.0  # below the loudest tenth of frames
QUANTILES = (0.1, 0.5, 0.9)
NUM_STATISTICS = NUM_BANDS + len(QUANTILES)
LEAST_FRAMES = 10


def statistics(vocals_N: np.ndarray) -> np.ndarray | None:
    """Levels of the bands against their mean in dB, and quantiles of the pitch in semitones above 100 Hz, [D]; None without a clear voice."""
    spectra_FK = power(stft(vocals_N, SIZE, HOP))
    pitch_hz_F, clarity_F = track_pitch(np.sqrt(spectra_FK), SIZE)
    level_FB = decibels(band_energies(spectra_FK, mel_bank(NUM_BANDS, LOW_HZ, HIGH_HZ, SIZE)), FLOOR)
    loudness_F = level_FB.mean(axis=1)
    voiced_F = (clarity_F > CLEAR) & (loudness_F > np.quantile(loudness_F, 0.9) - LOUD_DB)
    if voiced_F.sum() < LEAST_FRAMES:
        return None
    mean_B = level_FB[voiced_F].mean(axis=0)
    semitones_F = 12 * np.log2(pitch_hz_F[voiced_F] / 100)
    return np.concatenate([mean_B - mean_B.mean(), np.quantile(semitones_F, QUANTILES)])
