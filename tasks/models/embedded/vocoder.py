"""A channel vocoder of the voice alone, with nothing learned: band levels of mid and side, the voice's pitch and clarity, and a voice of pulses and noise shaped by them.

Both embedded codecs are made of it. Shapes: N samples, T latent frames (2048 samples), F = 4 T short frames, K bins,
B bands, C raw channels.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, frames_of_samples
from tasks.models.embedded.pitch import track_pitch
from tasks.models.embedded.spectra import band_energies, bin_hz, istft, mel_bank, power, stft

if TYPE_CHECKING:
    import scipy.sparse

SIZE, HOP = 1024, 512
SHORT_FRAMES = HOP_SAMPLES // HOP
LOW_HZ, HIGH_HZ = 60.0, 11_000.0
MID_BANDS, SIDE_BANDS = 14, 6
MID_FLOOR_DB = np.maximum(6 - 3.4 * np.arange(MID_BANDS), -20).astype(np.float32)
SIDE_FLOOR_DB = np.maximum(-4 - 3.5 * np.arange(SIDE_BANDS), -20).astype(np.float32)
CEILING_DB = 45.0
DEAD_ZONE_DB = 1.5  # a level this near the floor is decoded as silence
PITCH, VOICING = SHORT_FRAMES * MID_BANDS, SHORT_FRAMES * MID_BANDS + 1
PITCH_SIZE = 4096
PITCH_ORIGIN_HZ = 160.0
PITCH_RANGE = (-14.0, 19.0)  # semitones
REST_PITCH = 0.0  # where nothing has a pitch
SIDE_WEIGHT, SIDE_FLOOR = 1.2, 0.05  # the stereo mask under which the pitch is tracked
CLEAR = 0.3  # clarity of a frame whose pitch counts
VOICED_CLARITY = (0.2, 0.4)
VOICING_RANGE = (0.15, 0.65)  # clarity outside says nothing more
VOICING_SCALE = 10.0  # raw units of the voicing channel, so that it stands beside decibels
SMOOTHING_FRAMES = 3
HARMONIC_LIMIT_HZ = 4500.0  # above, voices are breath
PHASE_STEP = 32
NOISE_SEEDS = (1, 2)  # of the mid and the side
NOISE_FRAMES = 1024  # short frames, 11.9 s


def raw_channels(mix_CN: np.ndarray) -> np.ndarray:
    """The 64 channels before scaling: decibels, semitones from 160 Hz, ten times clarity; [T, 64]."""
    num_frames = frames_of_samples(mix_CN.shape[1])
    mix_CN = mix_CN[:, : num_frames * HOP_SAMPLES]
    mid_N, side_N = (mix_CN[0] + mix_CN[1]) / 2, (mix_CN[0] - mix_CN[1]) / 2
    mid_FB = levels_db(mid_N, MID_BANDS, MID_FLOOR_DB)
    side_FB = levels_db(side_N, SIDE_BANDS, SIDE_FLOOR_DB)
    pitch_T, clarity_T = voice_pitch(mid_N, side_N)
    return np.concatenate(
        [
            mid_FB.reshape(num_frames, SHORT_FRAMES * MID_BANDS),
            pitch_T[:, None],
            VOICING_SCALE * np.clip(clarity_T, *VOICING_RANGE)[:, None],
            side_FB.reshape(num_frames, SHORT_FRAMES, SIDE_BANDS).mean(axis=1),
        ],
        axis=1,
    ).astype(np.float32)


def levels_db(audio_N: np.ndarray, num_bands: int, floor_db_B: np.ndarray) -> np.ndarray:
    """Band levels over a soft floor, [F, B]: silence reads as the floor, so it is no far outlier."""
    if audio_N.any():
        bank_BK = mel_bank(num_bands, LOW_HZ, HIGH_HZ, SIZE)
        energy_FB = band_energies(power(stft(audio_N, SIZE, HOP)), bank_BK)
    else:
        energy_FB = np.zeros((len(audio_N) // HOP, num_bands), np.float32)
    return 10 * np.log10(energy_FB + 10 ** (floor_db_B / 10))


def voice_pitch(mid_N: np.ndarray, side_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(semitones from 160 Hz, clarity) of the voice in the middle, [T] each; the pitch of unclear frames
    is drawn straight between clear neighbours, then the median of three."""
    level_TK = np.abs(stft(mid_N, PITCH_SIZE, HOP_SAMPLES))
    if side_N.any():
        side_TK = np.abs(stft(side_N, PITCH_SIZE, HOP_SAMPLES))
        level_TK = level_TK * np.maximum(1 - SIDE_WEIGHT * side_TK / (level_TK + 1e-6), SIDE_FLOOR)
    pitch_hz_T, clarity_T = track_pitch(level_TK, PITCH_SIZE)
    clear_T = np.flatnonzero(clarity_T > CLEAR)
    if not len(clear_T):
        return np.full(len(clarity_T), REST_PITCH, np.float32), clarity_T
    semitones_T = 12 * np.log2(pitch_hz_T / PITCH_ORIGIN_HZ)
    semitones_T = np.interp(np.arange(len(semitones_T)), clear_T, semitones_T[clear_T])
    edge = SMOOTHING_FRAMES // 2
    around_TS = np.lib.stride_tricks.sliding_window_view(
        np.pad(semitones_T, edge, mode="edge"), SMOOTHING_FRAMES
    )
    return np.median(around_TS, axis=1), clarity_T


def render(raw_TC: np.ndarray) -> np.ndarray:
    """The mix [2, T * 2048] of raw channels."""
    num_samples = len(raw_TC) * HOP_SAMPLES
    mid_FB = raw_TC[:, :PITCH].reshape(-1, MID_BANDS)
    side_FB = np.repeat(raw_TC[:, VOICING + 1 :], SHORT_FRAMES, axis=0)
    clarity_T = raw_TC[:, VOICING] / VOICING_SCALE
    voiced_T = np.clip((clarity_T - VOICED_CLARITY[0]) / (VOICED_CLARITY[1] - VOICED_CLARITY[0]), 0, 1)
    roll_off_K = 1 / (1 + (bin_hz(SIZE) / HARMONIC_LIMIT_HZ) ** 4)
    harmonic_FK = np.repeat(voiced_T, SHORT_FRAMES)[:, None] * roll_off_K
    pulses_FK = shaped(stft(pulses(raw_TC[:, PITCH]), SIZE, HOP), mid_FB, MID_FLOOR_DB)
    breath_FK = shaped(noise(len(mid_FB), NOISE_SEEDS[0]), mid_FB, MID_FLOOR_DB)
    mid_FK = np.sqrt(harmonic_FK) * pulses_FK + np.sqrt(1 - harmonic_FK) * breath_FK
    side_FK = shaped(noise(len(side_FB), NOISE_SEEDS[1]), side_FB, SIDE_FLOOR_DB)
    mid_N, side_N = (istft(spectra_FK, SIZE, HOP, num_samples) for spectra_FK in (mid_FK, side_FK))
    return np.clip(np.stack([mid_N + side_N, mid_N - side_N]), -1, 1)


def shaped(spectra_FK: np.ndarray, level_db_FB: np.ndarray, floor_db_B: np.ndarray) -> np.ndarray:
    """Spectra [F, K] brought to the band levels; gains are interpolated in log over the bins."""
    return at_energies(spectra_FK, energies_of(level_db_FB, floor_db_B))


def energies_of(level_db_FB: np.ndarray, floor_db_B: np.ndarray) -> np.ndarray:
    """The band energies that levels stand for, [F, B]; not above 0 where a level is near its floor."""
    floor_B = 10 ** ((floor_db_B + DEAD_ZONE_DB) / 10)
    return 10 ** (np.minimum(level_db_FB, CEILING_DB) / 10) - floor_B


def at_energies(spectra_FK: np.ndarray, target_FB: np.ndarray) -> np.ndarray:
    """Spectra [F, K] brought to these band energies; gains are interpolated in log over the bins."""
    num_bands = target_FB.shape[1]
    bank_BK = mel_bank(num_bands, LOW_HZ, HIGH_HZ, SIZE)
    energy_FB = band_energies(power(spectra_FK), bank_BK)
    log_gain_FB = 0.5 * np.log(np.maximum(target_FB, 1e-7) / (energy_FB + 1e-4))
    return spectra_FK * gains(np.minimum(log_gain_FB, 10))


def gains(log_gain_FB: np.ndarray) -> np.ndarray:
    """Gains of bins [F, K] from those of bands, interpolated in log; 0 outside the bands."""
    num_bands = log_gain_FB.shape[1]
    gain_FK = np.ascontiguousarray((_between_bands(num_bands) @ log_gain_FB.T).T)
    return np.exp(gain_FK) * _covered(num_bands)


@cache
def _between_bands(num_bands: int) -> scipy.sparse.csr_array:
    """Interpolation from bands to bins, sparse [K, B]; rows sum to one inside the bands."""
    import scipy.sparse

    bank_BK = mel_bank(num_bands, LOW_HZ, HIGH_HZ, SIZE).toarray()
    return scipy.sparse.csr_array((bank_BK / np.maximum(bank_BK.sum(axis=0), 1e-6)).T.astype(np.float32))


@cache
def _covered(num_bands: int) -> np.ndarray:
    """1 for each bin inside the bands, else 0; [K]."""
    return (mel_bank(num_bands, LOW_HZ, HIGH_HZ, SIZE).toarray().sum(axis=0) > 0).astype(np.float32)


def pulses(semitones_T: np.ndarray) -> np.ndarray:
    """A pulse train of constant power at the pitch, [T * 2048]; the phase is summed every 32 samples."""
    num_samples = len(semitones_T) * HOP_SAMPLES
    pitch_hz_T = PITCH_ORIGIN_HZ * 2 ** (np.clip(semitones_T, *PITCH_RANGE).astype(np.float64) / 12)
    grid_samples = np.arange(0, num_samples, PHASE_STEP)
    pitch_hz = np.interp(grid_samples / HOP_SAMPLES - 0.5, np.arange(len(pitch_hz_T)), pitch_hz_T)
    phase = np.cumsum(pitch_hz * (PHASE_STEP / SAMPLE_RATE_HZ))
    at_samples = np.rint(np.interp(np.arange(1, int(phase[-1])), phase, grid_samples)).astype(np.int64)
    pulses_N = np.zeros(num_samples, np.float32)
    pulses_N[at_samples] = np.sqrt(SAMPLE_RATE_HZ / np.interp(at_samples, grid_samples, pitch_hz))
    return pulses_N


@cache
def _noise_loop(seed: int) -> np.ndarray:
    """Spectra [NOISE_FRAMES, K] of white noise that repeats without a seam."""
    noise_N = np.random.default_rng(seed).standard_normal(NOISE_FRAMES * HOP, dtype=np.float32)
    around_N = np.concatenate([noise_N[-SIZE:], noise_N, noise_N[:SIZE]])
    return stft(around_N, SIZE, HOP)[SIZE // HOP : SIZE // HOP + NOISE_FRAMES]


def noise(num_frames: int, seed: int) -> np.ndarray:
    """Spectra [F, K] of one fixed noise; a longer song begins with the noise of a shorter one."""
    return _noise_loop(seed)[np.arange(num_frames) % NOISE_FRAMES]
