"""A vocoder with a band: `vocoder` in fewer numbers, beside it levels of tones (chords, bass) as `tones` has them, and hiss above 11 kHz for the highs of drums, in mid and side.

A latent frame is, in this order: 34 numbers for the levels of 14 mid bands in four short frames (of each band the mean and
the slope of a cosine transform over the four, of three groups of bands the two finer ones), 4 levels above 11 kHz, where no
voice covers the drums; pitch and voicing; 6 side-band levels; 12 pitch classes, 3 registers and their share in the side; the
bass's note and level. Shapes as in `vocoder` and `tones`; G groups of bands.
"""

from __future__ import annotations

import numpy as np

from jam_model.frames import HOP_SAMPLES, frames_of_samples
from tasks.models.embedded.spectra import band_energies, bin_hz, istft, mel_bank, power, stft
from tasks.models.embedded.tones import (
    BASS_HIGH_MIDI,
    BASS_LOW_MIDI,
    LOW_MIDI,
    PITCH_CLASSES,
    REGISTERS,
    Tones,
    analyse_tones,
    note_powers,
    sines,
)
from tasks.models.embedded.vocoder import (
    CEILING_DB,
    DEAD_ZONE_DB,
    HARMONIC_LIMIT_HZ,
    HIGH_HZ,
    HOP,
    LOW_HZ,
    MID_BANDS,
    MID_FLOOR_DB,
    NOISE_SEEDS,
    PITCH_ORIGIN_HZ,
    SHORT_FRAMES,
    SIDE_BANDS,
    SIDE_FLOOR_DB,
    SIZE,
    VOICED_CLARITY,
    VOICING_RANGE,
    VOICING_SCALE,
    at_energies,
    energies_of,
    gains,
    levels_db,
    noise,
    pulses,
    voice_pitch,
)

GROUPS = ((0, 3), (3, 7), (7, MID_BANDS))
NUM_LEVELS = 2 * MID_BANDS + 2 * len(GROUPS)
PARTS = (NUM_LEVELS, SHORT_FRAMES, 1, 1, SIDE_BANDS, PITCH_CLASSES, REGISTERS, 1, 1, 1)
TOP = slice(256, SIZE // 2 + 1)  # bins from 11 kHz on
TOP_FLOOR_DB = -20.0
TONE_UNIT, BASS_UNIT = (
    1e-6,
    3e-4,
)  # power that reads as 3 dB; a bass is never soft, so that its silence is no far outlier
TONE_DEAD_ZONE = 0.3  # a tone this near nothing, in units, is silent
SIDE_LIMIT_DB = 15.0  # of the side's tones over the mid's
BASS_ORIGIN_MIDI, BASS_RANGE = 40.0, 12.0
PHASES = (2.4, 3.4)  # of the tones in the mid and the side
LEAST_RESIDUAL = 0.05  # of a band's energy, that its tones leave to voice and noise
WIDEST = 1000.0  # raw units: further out nothing changes, and nothing overflows


def raw_channels(mix_CN: np.ndarray) -> np.ndarray:
    """The 64 channels before scaling: decibels, semitones from 160 Hz and from E2, ten times clarity; [T, 64]."""
    num_frames = frames_of_samples(mix_CN.shape[1])
    mix_CN = mix_CN[:, : num_frames * HOP_SAMPLES]
    mid_N, side_N = (mix_CN[0] + mix_CN[1]) / 2, (mix_CN[0] - mix_CN[1]) / 2
    pitch_T, clarity_T = voice_pitch(mid_N, side_N)
    side_FB = levels_db(side_N, SIDE_BANDS, SIDE_FLOOR_DB)
    voice = (
        compact(levels_db(mid_N, MID_BANDS, MID_FLOOR_DB)),
        _top_db(mid_N).reshape(num_frames, SHORT_FRAMES),
        pitch_T[:, None],
        VOICING_SCALE * np.clip(clarity_T, *VOICING_RANGE)[:, None],
        side_FB.reshape(num_frames, SHORT_FRAMES, SIDE_BANDS).mean(axis=1),
    )
    band = _tone_channels(analyse_tones(mid_N, side_N, PITCH_ORIGIN_HZ * 2 ** (pitch_T / 12), clarity_T))
    return np.concatenate([*voice, *band], axis=1).astype(np.float32)


def render(raw_TC: np.ndarray) -> np.ndarray:
    """The mix [2, T * 2048] of raw channels. The levels say how loud a band of the spectrum is, the tones how much
    of it is theirs; the rest is voice where there is one, else noise."""
    raw_TC = np.clip(raw_TC, -WIDEST, WIDEST)
    levels, top, pitch, voicing, side, chroma, registers, ratio, bass, bass_level = np.split(
        raw_TC, np.cumsum(PARTS)[:-1], axis=1
    )
    power_TM = note_powers(_tone_power(chroma, TONE_UNIT), _tone_power(registers, TONE_UNIT))
    share_T1 = 1 / (1 + 10 ** (-np.clip(ratio, -SIDE_LIMIT_DB, SIDE_LIMIT_DB) / 10))
    mid_tones_FK = _tones(power_TM * (1 - share_T1), LOW_MIDI, PHASES[0])
    mid_tones_FK = mid_tones_FK + _tones(
        _bass_powers(bass[:, 0], _tone_power(bass_level, BASS_UNIT)), BASS_LOW_MIDI, 0
    )
    side_tones_FK = _tones(power_TM * share_T1, LOW_MIDI, PHASES[1])
    mid_tones_FK, mid_rest_FB = _within(mid_tones_FK, energies_of(spread_out(levels), MID_FLOOR_DB))
    side_tones_FK, side_rest_FB = _within(side_tones_FK, energies_of(_to_short(side), SIDE_FLOOR_DB))

    low, high = VOICED_CLARITY
    voiced_T = np.clip((voicing[:, 0] / VOICING_SCALE - low) / (high - low), 0, 1)
    roll_off_K = 1 / (1 + (bin_hz(SIZE) / HARMONIC_LIMIT_HZ) ** 4)
    harmonic_FK = np.repeat(voiced_T, SHORT_FRAMES)[:, None] * roll_off_K
    noises_FK = [noise(len(mid_rest_FB), seed) for seed in NOISE_SEEDS]
    pulses_FK = at_energies(stft(pulses(pitch[:, 0]), SIZE, HOP), mid_rest_FB)
    breath_FK = at_energies(noises_FK[0], mid_rest_FB)
    mid_FK = mid_tones_FK + np.sqrt(harmonic_FK) * pulses_FK + np.sqrt(1 - harmonic_FK) * breath_FK
    mid_FK[:, TOP] += _hiss(noises_FK[0][:, TOP], top.reshape(-1))
    side_FK = side_tones_FK + at_energies(noises_FK[1], side_rest_FB)
    num_samples = len(raw_TC) * HOP_SAMPLES
    mid_N, side_N = (istft(spectra_FK, SIZE, HOP, num_samples) for spectra_FK in (mid_FK, side_FK))
    return np.clip(np.stack([mid_N + side_N, mid_N - side_N]), -1, 1)


def compact(level_FB: np.ndarray) -> np.ndarray:
    """Levels of short frames [F, B] as 2 B + 2 G numbers a latent frame: mean and slope of a band, the finer movement
    of a group of bands."""
    import scipy.fft

    cosines_TSB = scipy.fft.dct(level_FB.reshape(-1, SHORT_FRAMES, MID_BANDS), axis=1, norm="ortho")
    fine = [cosines_TSB[:, 2:, first:last].mean(axis=2) for first, last in GROUPS]
    return np.concatenate([cosines_TSB[:, 0] / 2, cosines_TSB[:, 1], *fine], axis=1)


def spread_out(levels_TC: np.ndarray) -> np.ndarray:
    """The inverse of `compact`, [F, B]: exact but for the finer movement, which a group of bands shares."""
    import scipy.fft

    cosines_TSB = np.zeros((len(levels_TC), SHORT_FRAMES, MID_BANDS), np.float32)
    cosines_TSB[:, 0] = 2 * levels_TC[:, :MID_BANDS]
    cosines_TSB[:, 1] = levels_TC[:, MID_BANDS : 2 * MID_BANDS]
    for group, (first, last) in enumerate(GROUPS):
        at = 2 * MID_BANDS + 2 * group
        cosines_TSB[:, 2:, first:last] = levels_TC[:, at : at + 2, None]
    return np.asarray(scipy.fft.idct(cosines_TSB, axis=1, norm="ortho")).reshape(-1, MID_BANDS)


def _tone_channels(tones: Tones) -> tuple[np.ndarray, ...]:
    """Chroma, registers, side over mid, bass note and bass level, each [T, n]."""
    ratio_T = 10 * np.log10((tones.side_T + 1e-3) / (1 - tones.side_T + 1e-3))
    bass_T = np.clip(tones.bass_midi_T - BASS_ORIGIN_MIDI, -BASS_RANGE, BASS_RANGE)
    return (
        _tone_db(tones.chroma_TP, TONE_UNIT),
        _tone_db(tones.register_TR, TONE_UNIT),
        np.clip(ratio_T, -SIDE_LIMIT_DB, SIDE_LIMIT_DB)[:, None],
        bass_T[:, None],
        _tone_db(tones.bass_T, BASS_UNIT)[:, None],
    )


def _tone_db(power_TP: np.ndarray, unit: float) -> np.ndarray:
    return np.asarray(10 * np.log10(power_TP / unit + 1))


def _tone_power(level_db_TP: np.ndarray, unit: float) -> np.ndarray:
    units_TP = 10 ** (np.minimum(level_db_TP, -10 * np.log10(unit)) / 10) - 1 - TONE_DEAD_ZONE
    return np.maximum(units_TP, 0) * unit


def _bass_powers(semitones_T: np.ndarray, power_T1: np.ndarray) -> np.ndarray:
    """The bass's power on the note nearest to it, [T, M]."""
    midi_T = np.rint(semitones_T + BASS_ORIGIN_MIDI).astype(int)
    notes_M = np.arange(BASS_LOW_MIDI, BASS_HIGH_MIDI + 1)
    return power_T1 * (np.clip(midi_T, BASS_LOW_MIDI, BASS_HIGH_MIDI)[:, None] == notes_M)


def _tones(power_TM: np.ndarray, low_midi: int, phase: float) -> np.ndarray:
    return sines(_to_short(np.sqrt(2 * power_TM)), low_midi, SIZE, HOP, phase)


def _to_short(values_TC: np.ndarray) -> np.ndarray:
    """Values of latent frames at the short ones, moving evenly from one to the next, [F, C]."""
    import scipy.ndimage

    repeated_FC = np.repeat(values_TC, SHORT_FRAMES, axis=0)
    return np.asarray(scipy.ndimage.uniform_filter1d(repeated_FC, SHORT_FRAMES, axis=0, mode="nearest"))


def _within(tones_FK: np.ndarray, target_FB: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tones no louder than the bands' energies [F, K], and what they leave of these [F, B]."""
    bank_BK = mel_bank(target_FB.shape[1], LOW_HZ, HIGH_HZ, SIZE)
    target_FB = np.maximum(target_FB, 0)
    share_FB = np.minimum(target_FB / (band_energies(power(tones_FK), bank_BK) + 1e-6), 1)
    tones_FK = tones_FK * gains(0.5 * np.log(share_FB + 1e-6))
    left_FB = target_FB - band_energies(power(tones_FK), bank_BK)
    return tones_FK, np.maximum(left_FB, LEAST_RESIDUAL * target_FB)


def _top_db(mid_N: np.ndarray) -> np.ndarray:
    energy_F = power(stft(mid_N, SIZE, HOP)[:, TOP]).mean(axis=1)
    return np.asarray(10 * np.log10(energy_F + 10 ** (TOP_FLOOR_DB / 10)))


def _hiss(noise_FK: np.ndarray, level_db_F: np.ndarray) -> np.ndarray:
    """Noise brought to one level a short frame."""
    silent = 10 ** ((TOP_FLOOR_DB + DEAD_ZONE_DB) / 10)
    target_F = np.maximum(10 ** (np.minimum(level_db_F, CEILING_DB) / 10) - silent, 0)
    return np.asarray(noise_FK * np.sqrt(target_F / (power(noise_FK).mean(axis=1) + 1e-4))[:, None])
