"""What the embedded style encoder and judge measure on a song: levels, pitch and rhythm, one analysis for all.

Shapes: C channels, N samples, F short frames (1024 samples at 44.1 kHz, 43 a second), B bands, L lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded.pitch import track_pitch
from tasks.models.embedded.spectra import band_energies, decibels, mel_bank, power, stft

SIZE, HOP = 4096, 1024
SHORT_RATE_HZ = SAMPLE_RATE_HZ / HOP
LOW_HZ, HIGH_HZ = 60.0, 15_000.0
MID_BANDS, SIDE_BANDS = 18, 6
FLOOR = 1e-3  # of a band's power: 83 dB below a full-scale tone
FINE_HZ = (200.0, 4000.0)  # where flatness between partials is measured


@dataclass(frozen=True)
class Analysis:
    """Short-time measures of a mix. Levels are decibels; clarity and flatness lie in [0, 1]."""

    mid_FB: np.ndarray
    side_FB: np.ndarray
    pitch_F: np.ndarray  # semitones from 100 Hz
    clarity_F: np.ndarray
    flatness_F: np.ndarray
    onset_F: np.ndarray

    def between(self, first: int, last: int) -> Analysis:
        """The frames from `first` up to `last`."""
        return Analysis(*(getattr(self, name)[first:last] for name in self.__dataclass_fields__))


def analyse(mix_CN: np.ndarray) -> Analysis:
    """The analysis of a mix [2, N]."""
    mid_FK = stft((mix_CN[0] + mix_CN[1]) / 2, SIZE, HOP)
    side_FK = stft((mix_CN[0] - mix_CN[1]) / 2, SIZE, HOP)
    mid_power_FK, side_power_FK = power(mid_FK), power(side_FK)
    mid_FB = decibels(band_energies(mid_power_FK, mel_bank(MID_BANDS, LOW_HZ, HIGH_HZ, SIZE)), FLOOR)
    side_FB = decibels(band_energies(side_power_FK, mel_bank(SIDE_BANDS, LOW_HZ, HIGH_HZ, SIZE)), FLOOR)
    level_FK = np.sqrt(mid_power_FK)
    mask_FK = np.maximum(1 - 1.2 * np.sqrt(side_power_FK) / (level_FK + 1e-6), 0.05)
    pitch_hz_F, clarity_F = track_pitch(level_FK * mask_FK, SIZE)
    low, high = (round(hz * SIZE / SAMPLE_RATE_HZ) for hz in FINE_HZ)
    fine_FK = mid_power_FK[:, low:high] + np.float32(FLOOR)
    flatness_F = np.exp(np.log(fine_FK).mean(axis=1)) / fine_FK.mean(axis=1)
    rise_FB = np.maximum(np.diff(np.maximum(mid_FB, -10), axis=0, prepend=mid_FB[:1]), 0)
    pitch_F = 12 * np.log2(pitch_hz_F / 100)
    return Analysis(mid_FB, side_FB, pitch_F, clarity_F, flatness_F, rise_FB.mean(axis=1))


def rhythm(onset_F: np.ndarray, lags_s: np.ndarray) -> np.ndarray:
    """How much onsets repeat after each lag, in about [-1, 1]; 0 where the audio is shorter than the lag."""
    centred_F = onset_F - onset_F.mean()
    energy = float((centred_F**2).mean()) + 1e-3
    repeats_L = np.zeros(len(lags_s))
    for index, lag in enumerate(np.rint(lags_s * SHORT_RATE_HZ).astype(int)):
        if lag < len(centred_F) - 1:
            repeats_L[index] = float((centred_F[lag:] * centred_F[: len(centred_F) - lag]).mean()) / energy
    return repeats_L
