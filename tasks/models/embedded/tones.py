"""The steady tones of a band: how loud each pitch class is and where it lies, and sines that sound like that.

Shapes: N samples, T latent frames (2048 samples), F = 4 T short frames, K bins, P = 12 pitch classes (0 = C),
R registers, M notes of equal temperament at A = 440 Hz.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ
from tasks.models.embedded.spectra import power, sqrt_hann, stft

if TYPE_CHECKING:
    import scipy.sparse

SIZE = 16_384  # 2.7 Hz a bin
PITCH_CLASSES = 12
LOW_MIDI, HIGH_MIDI = 45, 93
REGISTERS = (60, 74)  # each but the first begins at one of these
NUM_REGISTERS = len(REGISTERS) + 1
BASS_HZ = (35.0, 135.0)
BASS_MIDI = (28, 52)
REST_MIDI = 40.0
STEADY_FRAMES = 9
STEADY_PERCENTILE = 33
HALF_WIDTH = 0.3  # semitones
LOBE_BINS = 1.5
GAP = 1.0
SPREAD_BINS = 5
FLOOR = 1e-6  # of power
PHASE = 2.4  # radians


class Tones(NamedTuple):
    """Power of pitch classes [T, 12] and registers [T, R] (both add up to all), share of it in the side signal [T],
    the bass's MIDI note [T] and power [T]."""

    chroma_TP: np.ndarray
    register_TR: np.ndarray
    side_T: np.ndarray
    bass_midi_T: np.ndarray
    bass_T: np.ndarray


def midi_hz(midi: np.ndarray | float) -> np.ndarray:
    """Frequency of MIDI note numbers."""
    return 440 * 2 ** ((np.asarray(midi, np.float64) - 69) / 12)


def notes() -> np.ndarray:
    return np.arange(LOW_MIDI, HIGH_MIDI)


def register_of() -> np.ndarray:
    return np.searchsorted(REGISTERS, notes(), side="right")


@cache
def _note_banks() -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array, int]:
    """(the bins of each note, the bins between it and its neighbours) as sparse [M, K], and K."""
    import scipy.sparse

    width_hz = SAMPLE_RATE_HZ / SIZE
    num_bins = int(midi_hz(HIGH_MIDI + 1) / width_hz) + 2
    hz_K = np.arange(num_bins) * width_hz
    note_MK, gap_MK = np.zeros((len(notes()), num_bins), np.float32), np.zeros((len(notes()), num_bins), np.float32)
    for row, midi in enumerate(notes()):
        hz = midi_hz(midi)
        reach_hz = max(hz * (2 ** (HALF_WIDTH / 12) - 1), LOBE_BINS * width_hz)
        note_MK[row] = np.abs(hz_K - hz) <= reach_hz
        for edge_hz in (midi_hz(midi - 0.5), midi_hz(midi + 0.5)):
            gap_MK[row, round(edge_hz / width_hz)] += 0.5
        gap_MK[row] *= note_MK[row].sum()
    scale = np.float32(4 / SIZE**2)
    return scipy.sparse.csr_array(note_MK * scale), scipy.sparse.csr_array(gap_MK * scale), num_bins


def _steady(power_TK: np.ndarray) -> np.ndarray:
    import scipy.ndimage

    note_MK, gap_MK, _ = _note_banks()
    energy_TM = np.maximum((note_MK @ power_TK.T).T - (gap_MK @ power_TK.T).T, 0)
    return scipy.ndimage.percentile_filter(energy_TM, STEADY_PERCENTILE, size=(STEADY_FRAMES, 1), mode="nearest")


def _without_voice(hz_T, clarity_T, num_bins):
    hz_K = np.arange(num_bins, dtype=np.float32) * np.float32(SAMPLE_RATE_HZ / SIZE)
    partial_TK = np.maximum(np.rint(hz_K / hz_T[:, None]), 1)
    away_TK = (hz_K - partial_TK * hz_T[:, None]) / (6 + 0.012 * hz_K)
    return 1 - np.exp(-0.5 * away_TK**4) * np.clip((clarity_T[:, None] - 0.2) / 0.1, 0, 1)


def analyse_tones(mid_N: np.ndarray, side_N: np.ndarray, hz_T, clarity_T) -> Tones:
    num_bins = _note_banks()[2]
    mid_TK = power(stft(mid_N, SIZE, HOP_SAMPLES)[:, :num_bins])
    energy_TM = _steady(mid_TK * _without_voice(hz_T, clarity_T, num_bins) ** 2)
    side_TM = _steady(power(stft(side_N, SIZE, HOP_SAMPLES)[:, :num_bins])) if side_N.any() else np.zeros_like(energy_TM)
    total_TM = energy_TM + side_TM
    chroma_TP = np.stack([total_TM[:, notes() % 12 == p].sum(axis=1) for p in range(PITCH_CLASSES)], axis=1)
    register_TR = np.stack([total_TM[:, register_of() == r].sum(axis=1) for r in range(NUM_REGISTERS)], axis=1)
    share_T = side_TM.sum(axis=1) / (total_TM.sum(axis=1) + FLOOR)
    bass_midi_T, bass_T = _bass(mid_TK)
    return Tones(chroma_TP, register_TR, share_T, bass_midi_T, bass_T)


def _bass(power_TK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import scipy.ndimage

    width_hz = SAMPLE_RATE_HZ / SIZE
    low, high = (round(hz / width_hz) for hz in BASS_HZ)
    at_T = power_TK[:, low:high].argmax(axis=1) + low
    rows_T = np.arange(len(at_T))
    below_T, peak_T, above_T = (np.log(power_TK[rows_T, at_T + step] + 1e-12) for step in (-1, 0, 1))
    curve_T = np.maximum(2 * peak_T - below_T - above_T, 1e-6)
    bin_T = at_T + np.clip(0.5 * (above_T - below_T) / curve_T, -0.5, 0.5)
    midi_T = 69 + 12 * np.log2(bin_T * width_hz / 440)
    level_T = 4 / SIZE**2 * sum(power_TK[rows_T, at_T + step] for step in (-1, 0, 1))
    return scipy.ndimage.median_filter(midi_T, 5, mode="nearest"), level_T


@cache
def _sine_spectra(low: int, high: int, size: int) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
    """Windowed cosine and sine of each note as sparse spectra [K, M], complex."""
    import scipy.sparse

    time_S = np.arange(size) / SAMPLE_RATE_HZ
    hz_M = midi_hz(np.arange(low, high))
    near_MK = np.abs(np.arange(size // 2 + 1) - hz_M[:, None] * size / SAMPLE_RATE_HZ) <= SPREAD_BINS
    both = []
    for wave in (np.cos, np.sin):
        spectra_MK = np.fft.rfft(wave(2 * np.pi * hz_M[:, None] * time_S) * sqrt_hann(size), axis=1)
        both.append(scipy.sparse.csr_array((spectra_MK * near_MK).T.astype(np.complex64)))
    return both[0], both[1]


def sines(amplitude_FM: np.ndarray, low: int, size: int, hop: int, phase: float) -> np.ndarray:
    """Spectra [F, K] of a sine for each note from `low` on, at an amplitude a short frame."""
    num_frames, num_notes = amplitude_FM.shape
    cosine_KM, sine_KM = _sine_spectra(low, low + num_notes, size)
    starts_F = np.arange(num_frames) * hop - (size // 2 - hop // 2)
    hz_M = midi_hz(np.arange(low, low + num_notes))
    phase_FM = 2 * np.pi * ((starts_F[:, None] * (hz_M / SAMPLE_RATE_HZ)) % 1.0) + phase * np.arange(num_notes) ** 2
    along_FM, across_FM = (amplitude_FM * wave(phase_FM) for wave in (np.cos, np.sin))
    return np.ascontiguousarray((cosine_KM @ along_FM.T.astype(np.float32) - sine_KM @ across_FM.T.astype(np.float32)).T)
