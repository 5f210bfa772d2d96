"""Short-time spectra for the embedded models: transform, inverse, mel bands. One thread, same bytes everywhere.

Shapes: N samples, F short-time frames, K bins, B bands.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import scipy.sparse


@cache
def sqrt_hann(size: int) -> np.ndarray:
    """Periodic square-root Hann window: analysis times synthesis is a Hann window."""
    return np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


@cache
def bin_hz(size: int) -> np.ndarray:
    """Frequency of each bin of a transform of `size` samples, [K]."""
    return (np.arange(size // 2 + 1) * SAMPLE_RATE_HZ / size).astype(np.float32)


def stft(audio_N: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Spectra complex64 [F, K]; F = ceil(N / hop), frame f is centred on sample (f + 1/2) * hop."""
    import scipy.fft

    num_frames = -(-len(audio_N) // hop)
    before = size // 2 - hop // 2
    after = (num_frames - 1) * hop + size - before - len(audio_N)
    padded_N = np.pad(audio_N.astype(np.float32, copy=False), (before, max(after, 0)))
    frames_FS = np.lib.stride_tricks.sliding_window_view(padded_N, size)[::hop][:num_frames]
    return scipy.fft.rfft(frames_FS * sqrt_hann(size), axis=1)


def istft(spectra_FK: np.ndarray, size: int, hop: int, num_samples: int) -> np.ndarray:
    """The inverse of `stft`, float32 [num_samples]; exact where the spectra were not changed."""
    import scipy.fft

    num_frames, overlap = len(spectra_FK), size // hop
    frames_FS = scipy.fft.irfft(spectra_FK, size, axis=1) * sqrt_hann(size)
    sum_BH = np.zeros((num_frames + overlap - 1, hop), np.float32)
    weight_BH = np.zeros((num_frames + overlap - 1, hop), np.float32)
    window_RH = (sqrt_hann(size) ** 2).reshape(overlap, hop)
    for part in range(overlap):
        sum_BH[part : part + num_frames] += frames_FS[:, part * hop : (part + 1) * hop]
        weight_BH[part : part + num_frames] += window_RH[part]
    before = size // 2 - hop // 2
    return (sum_BH / np.maximum(weight_BH, 1e-3)).reshape(-1)[before : before + num_samples]


def mel(frequency_hz: np.ndarray | float) -> np.ndarray:
    """The mel scale of O'Shaughnessy (1987)."""
    return 2595 * np.log10(1 + np.asarray(frequency_hz, np.float64) / 700)


def mel_inverse(mels: np.ndarray) -> np.ndarray:
    """Hz of mels."""
    return 700 * (10 ** (mels / 2595) - 1)


@cache
def mel_bank(num_bands: int, low_hz: float, high_hz: float, size: int) -> scipy.sparse.csr_array:
    """Triangular bands, evenly spaced in mel, over the bins of a transform of `size`: sparse [B, K].

    A band narrower than a bin takes the nearest bin. Sparse products add in a fixed order on one thread.
    """
    import scipy.sparse

    edges_hz = mel_inverse(np.linspace(mel(low_hz), mel(high_hz), num_bands + 2))
    bins_K = bin_hz(size)
    bank_BK = np.zeros((num_bands, len(bins_K)), np.float32)
    for band in range(num_bands):
        low, centre, high = edges_hz[band : band + 3]
        rise_K, fall_K = (bins_K - low) / (centre - low), (high - bins_K) / (high - centre)
        bank_BK[band] = np.clip(np.minimum(rise_K, fall_K), 0, None)
        if bank_BK[band].sum() < 0.5:
            bank_BK[band, round(centre * size / SAMPLE_RATE_HZ)] = 1.0
    return scipy.sparse.csr_array(bank_BK)


def band_energies(power_FK: np.ndarray, bank_BK: scipy.sparse.csr_array) -> np.ndarray:
    """Mean power in each band, float32 [F, B]."""
    weights_B = np.asarray(bank_BK.sum(axis=1), np.float32).reshape(-1)
    return np.ascontiguousarray((bank_BK @ power_FK.T).T) / weights_B


def power(spectra_FK: np.ndarray) -> np.ndarray:
    """Squared magnitude, float32 [F, K]."""
    return spectra_FK.real**2 + spectra_FK.imag**2


def decibels(energy: np.ndarray, floor: float) -> np.ndarray:
    """10 log10 of an energy kept at least `floor`."""
    return 10 * np.log10(np.maximum(energy, np.float32(floor)))
