"""The tones that `harmonic` keeps of a band: how loud each steady pitch class and MIDI note is and where it lies (registers), and sines that sound like it.

A tone is steady that stays on its note for 0.4 s: voices move, drums end, chords stay. Notes are those of equal temperament
at A = 440 Hz, so a band that is tuned otherwise comes back in tune.

Shapes: N samples, T latent frames (2048 samples), F short frames, K bins, P = 12 pitch classes (0 = C), R registers,
M notes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ
from tasks.models.embedded.spectra import power, sqrt_hann, stft

if TYPE_CHECKING:
    import scipy.sparse

SIZE = 16_384
BIN_HZ = SAMPLE_RATE_HZ / SIZE
POWER_SCALE = 4 / SIZE**2  # the bins of a sine's main lobe add up to its power
PITCH_CLASSES = 12
LOW_MIDI, HIGH_MIDI = 45, 93
NOTES_M = np.arange(LOW_MIDI, HIGH_MIDI)
REGISTER_MIDI = (60, 74)  # where the second and the third register begin
REGISTERS = len(REGISTER_MIDI) + 1
REGISTER_M = np.searchsorted(REGISTER_MIDI, NOTES_M, side="right")
BASS_HZ = (35.0, 135.0)
BASS_LOW_MIDI, BASS_HIGH_MIDI = 28, 52
STEADY_FRAMES, STEADY_PERCENTILE = 9, 33
BASS_FRAMES = 5
NOTE_SEMITONES, NOTE_BINS = 0.3, 1.5  # half a note's width: the wider of both
PARTIAL_HZ, PARTIAL_SPREAD = 6.0, 0.012  # half the width of a voice's partial, and what its frequency adds
VOICED_CLARITY = (0.2, 0.3)
LOBE_BINS = 5  # of a sine's spectrum that are kept to either side
EMPTY = 1e-9  # added to a power before it divides


class Tones(NamedTuple):
    """Powers of the mix's steady tones: of pitch classes [T, P] and of registers [T, R], each adding up to all; the
    share that lies in the side signal [T]; the bass's MIDI note [T] and power [T]."""

    chroma_TP: np.ndarray
    register_TR: np.ndarray
    side_T: np.ndarray
    bass_midi_T: np.ndarray
    bass_T: np.ndarray


def midi_hz(midi: np.ndarray | float) -> np.ndarray:
    """Frequencies of MIDI note numbers."""
    return np.asarray(440 * 2 ** ((np.asarray(midi, np.float64) - 69) / 12))


def analyse_tones(
    mid_N: np.ndarray, side_N: np.ndarray, pitch_hz_T: np.ndarray, clarity_T: np.ndarray
) -> Tones:
    """The tones of a mix whose voice has this pitch (where it is clear): the voice's partials are left out of the mid."""
    mid_TK = _low_power(mid_N)
    mid_TM = _steady(mid_TK * _beside_voice(pitch_hz_T, clarity_T))
    side_TM = _steady(_low_power(side_N)) if side_N.any() else np.zeros_like(mid_TM)
    total_TM = mid_TM + side_TM
    bass_midi_T, bass_T = _bass(mid_TK)
    return Tones(
        np.stack(
            [total_TM[:, p == NOTES_M % PITCH_CLASSES].sum(axis=1) for p in range(PITCH_CLASSES)], axis=1
        ),
        np.stack([total_TM[:, r == REGISTER_M].sum(axis=1) for r in range(REGISTERS)], axis=1),
        side_TM.sum(axis=1) / (total_TM.sum(axis=1) + EMPTY),
        bass_midi_T,
        bass_T,
    )


def note_powers(chroma_TP: np.ndarray, register_TR: np.ndarray) -> np.ndarray:
    """Power of each note [T, M]: that of its pitch class, shared among registers alike for all classes."""
    share_TR = register_TR / (register_TR.sum(axis=1, keepdims=True) + EMPTY)
    alike_MM = (NOTES_M[:, None] - NOTES_M) % PITCH_CLASSES == 0
    count_M = (alike_MM & (REGISTER_M[:, None] == REGISTER_M)).sum(axis=1)
    return np.asarray(chroma_TP[:, NOTES_M % PITCH_CLASSES] * share_TR[:, REGISTER_M] / count_M)


def sines(amplitude_FM: np.ndarray, low_midi: int, size: int, hop: int, phase: float) -> np.ndarray:
    """Spectra complex64 [F, K], as `spectra.stft` would have them, of a sine for each note from `low_midi` on.

    phase: radians times the square of a note's place, so that notes do not begin together.
    """
    num_frames, num_notes = amplitude_FM.shape
    cosine_KM, sine_KM = _sine_spectra(low_midi, num_notes, size)
    starts_F = np.arange(num_frames) * hop - (size // 2 - hop // 2)
    cycles_FM = starts_F[:, None] * (midi_hz(low_midi + np.arange(num_notes)) / SAMPLE_RATE_HZ)
    phase_FM = 2 * np.pi * (cycles_FM % 1.0) + phase * np.arange(num_notes) ** 2
    along_FM, across_FM = ((amplitude_FM * wave(phase_FM)).astype(np.float32) for wave in (np.cos, np.sin))
    return np.ascontiguousarray((cosine_KM @ along_FM.T - sine_KM @ across_FM.T).T)


def _low_power(audio_N: np.ndarray) -> np.ndarray:
    num_bins = _note_banks()[0].shape[1]
    return power(stft(audio_N, SIZE, HOP_SAMPLES)[:, :num_bins])


def _beside_voice(pitch_hz_T: np.ndarray, clarity_T: np.ndarray) -> np.ndarray:
    """Gains of power in [0, 1], [T, K]: 0 on the partials of a clear pitch."""
    hz_K = np.arange(_note_banks()[0].shape[1], dtype=np.float32) * np.float32(BIN_HZ)
    hz_T1 = pitch_hz_T.astype(np.float32)[:, None]
    partial_TK = np.maximum(np.rint(hz_K / hz_T1), 1)
    away_TK = (hz_K - partial_TK * hz_T1) / (PARTIAL_HZ + PARTIAL_SPREAD * hz_K)
    low, high = VOICED_CLARITY
    clear_T1 = np.clip((clarity_T[:, None] - low) / (high - low), 0, 1)
    return np.asarray((1 - clear_T1 * np.exp(-0.5 * away_TK**4)) ** 2)


def _steady(power_TK: np.ndarray) -> np.ndarray:
    """Power of each note over that between the notes, where it stays, [T, M]."""
    import scipy.ndimage

    note_MK, gap_MK = _note_banks()
    over_TM = np.maximum((note_MK @ power_TK.T).T - (gap_MK @ power_TK.T).T, 0)
    size = (STEADY_FRAMES, 1)
    return np.asarray(scipy.ndimage.percentile_filter(over_TM, STEADY_PERCENTILE, size=size, mode="nearest"))


def _bass(power_TK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(MIDI note, power) of the loudest low bin, [T] each; the note by the parabola through three, then a median."""
    import scipy.ndimage

    low, high = (round(hz / BIN_HZ) for hz in BASS_HZ)
    peak_T = power_TK[:, low:high].argmax(axis=1) + low
    around_T3 = power_TK[np.arange(len(peak_T))[:, None], peak_T[:, None] + np.array([-1, 0, 1])]
    below_T, at_T, above_T = np.log(around_T3 + EMPTY).T
    curve_T = np.maximum(2 * at_T - below_T - above_T, 1e-6)
    bin_T = peak_T + np.clip(0.5 * (above_T - below_T) / curve_T, -0.5, 0.5)
    midi_T = 69 + 12 * np.log2(bin_T * BIN_HZ / 440)
    return scipy.ndimage.median_filter(midi_T, BASS_FRAMES, mode="nearest"), POWER_SCALE * around_T3.sum(
        axis=1
    )


@cache
def _note_banks() -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
    """Sparse [M, K] that add up the power of a note's bins, and as much of the bins a quarter tone beside it."""
    import scipy.sparse

    hz_K = np.arange(int(midi_hz(HIGH_MIDI + 1) / BIN_HZ) + 2) * BIN_HZ
    note_MK, gap_MK = np.zeros((2, len(NOTES_M), len(hz_K)), np.float32)
    for row, midi in enumerate(range(LOW_MIDI, HIGH_MIDI)):
        hz = float(midi_hz(midi))
        note_MK[row] = np.abs(hz_K - hz) <= max(hz * (2 ** (NOTE_SEMITONES / 12) - 1), NOTE_BINS * BIN_HZ)
        for edge in (midi - 0.5, midi + 0.5):
            gap_MK[row, round(float(midi_hz(edge)) / BIN_HZ)] += note_MK[row].sum() / 2
    scale = np.float32(POWER_SCALE)
    return scipy.sparse.csr_array(note_MK * scale), scipy.sparse.csr_array(gap_MK * scale)


@cache
def _sine_spectra(
    low_midi: int, num_notes: int, size: int
) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
    """Spectra of a windowed cosine and sine of each note, sparse complex64 [K, M]."""
    import scipy.sparse

    time_S = np.arange(size) / SAMPLE_RATE_HZ
    hz_M = midi_hz(low_midi + np.arange(num_notes))
    near_MK = np.abs(np.arange(size // 2 + 1) - hz_M[:, None] * size / SAMPLE_RATE_HZ) <= LOBE_BINS
    cosine_MK, sine_MK = (
        np.fft.rfft(wave(2 * np.pi * hz_M[:, None] * time_S) * sqrt_hann(size), axis=1) * near_MK
        for wave in (np.cos, np.sin)
    )
    return tuple(scipy.sparse.csr_array(both.T.astype(np.complex64)) for both in (cosine_MK, sine_MK))
