"""How loud a mix's kick is against its bass, by the sound below the voice: what in songs of toy world two says their genre.

Every part of a song there has a style of its own, whatever the genre; a genre is how loud the drums are, and how fast the partials of chords
fall. Below 145 Hz lie little else than kick and bass. At every moment of that band the least squares of a kick (its sound is given) and one
damped note of twelve are told; where both begin and little is left over, the ratio of their levels is a reading.

Shapes: N samples at 44.1 kHz, M samples at 735 Hz, W of a window, R readings, G levels of a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ

STEP = 60
RATE_HZ = SAMPLE_RATE_HZ / STEP
FADE_HZ = (125.0, 145.0)  # what lies above the second is not heard
WINDOW_S, BEFORE = 0.2, 4  # of a window, and its samples before the beginning: the filter rings both ways
LOWEST_MIDI, NUM_NOTES = 36, 12
ATTACK_S, DECAY_PER_S = 0.005, 3.0
APART = 51  # samples of the band among which one reading at most is taken
LOUD = 0.1  # of the power of a loud window
RATIOS = (0.9, 12.0)  # of kick to bass, among which readings are believed
MOST_LEFT, LEFT = 0.3, 0.03  # share of power left over: the most, and that at which a reading counts a third
SPREAD = 0.05  # of a reading, in nats
AT_ONCE = 8192  # windows: memory
SILENCE = 1e-12  # of a window's power
GRID_G = np.linspace(np.log(RATIOS[0]), np.log(RATIOS[1]), 400)


@dataclass(frozen=True)
class Balance:
    """The log of the ratio of kick to bass that most readings have, and how much of their weight agrees, in [0, 1]."""

    log_ratio: float
    agreeing: float


def low_band(audio_N: np.ndarray) -> np.ndarray:
    """What lies below 145 Hz, at 735 Hz, [M]."""
    import scipy.fft

    num_low = -(-len(audio_N) // STEP)
    size = scipy.fft.next_fast_len(num_low, real=True)
    spectrum_K = scipy.fft.rfft(audio_N.astype(np.float64), size * STEP)[: size // 2 + 1]
    hz_K = np.arange(len(spectrum_K)) * RATE_HZ / size
    gain_K = np.clip((FADE_HZ[1] - hz_K) / (FADE_HZ[1] - FADE_HZ[0]), 0, 1)
    return scipy.fft.irfft(spectrum_K * gain_K, size)[:num_low] / STEP


def as_window(sound_N: np.ndarray) -> np.ndarray:
    """A sound that begins with its first sample as the low band has it, [W]."""
    width = round(WINDOW_S * RATE_HZ)
    before = STEP * round(RATE_HZ / 2)
    padded_N = np.pad(sound_N, (before, max(0, 2 * before - len(sound_N))))
    return low_band(padded_N)[before // STEP - BEFORE :][:width]


@cache
def notes() -> np.ndarray:
    """The twelve notes, each as a sine and a cosine that begin together, [12, 2, W]."""
    time_N = np.arange(round(2 * WINDOW_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    level_N = np.minimum(1, time_N / ATTACK_S) * np.exp(-DECAY_PER_S * time_N)
    hertz = [440 * 2 ** ((LOWEST_MIDI + number - 69) / 12) for number in range(NUM_NOTES)]
    return np.array(
        [[as_window(level_N * wave(2 * np.pi * hz * time_N)) for wave in (np.sin, np.cos)] for hz in hertz]
    )


def readings(mid_N: np.ndarray, kick_W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logs of the ratio of kick to bass where both begin, and their weights, [R] each."""
    import scipy.ndimage

    windows_MW = np.lib.stride_tricks.sliding_window_view(
        np.pad(low_band(mid_N), (BEFORE, len(kick_W))), len(kick_W)
    )
    factors = [np.linalg.qr(np.stack([kick_W, *sine_cosine_2W], axis=1)) for sine_cosine_2W in notes()]
    pieces = [
        explained(windows_MW[first : first + AT_ONCE], factors)
        for first in range(0, len(windows_MW), AT_ONCE)
    ]
    power_M, left_M, kick_M, bass_M = (np.concatenate(part) for part in zip(*pieces, strict=True))
    ratio_M = kick_M / np.maximum(bass_M, 1e-9)
    taken_M = (left_M == scipy.ndimage.minimum_filter1d(left_M, APART)) & (left_M < MOST_LEFT)
    taken_M &= power_M > LOUD * np.quantile(power_M, 0.9)
    taken_M &= (ratio_M > RATIOS[0]) & (ratio_M < RATIOS[1])
    return np.log(ratio_M[taken_M]), np.exp(-left_M[taken_M] / LEFT) * bass_M[taken_M]


def explained(
    windows_MW: np.ndarray, factors: Sequence[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, ...]:
    """Of each window its power, the share of it that is left over, and the levels of kick and bass, [M] each.

    `factors`: basis [W, 3] and mixing [3, 3] of the kick with each note.
    """
    heard_MP3 = (windows_MW @ np.concatenate([basis_W3 for basis_W3, _ in factors], axis=1)).reshape(
        len(windows_MW), len(factors), 3
    )
    power_M = np.square(windows_MW).sum(axis=1) + SILENCE
    explained_MP = np.square(heard_MP3).sum(axis=2)
    note_M = explained_MP.argmax(axis=1)
    rows_M = np.arange(len(note_M))
    inverse_P33 = np.linalg.inv(np.stack([mixing_33 for _, mixing_33 in factors]))
    kick_sine_cosine_M3 = (inverse_P33[note_M] @ heard_MP3[rows_M, note_M][:, :, None])[:, :, 0]
    left_M = np.maximum(1 - explained_MP[rows_M, note_M] / power_M, 0)
    return power_M, left_M, kick_sine_cosine_M3[:, 0], np.hypot(*kick_sine_cosine_M3[:, 1:].T)


def balance(mid_N: np.ndarray, kick_W: np.ndarray) -> Balance | None:
    """What most readings of a mix's middle say; None where there is none."""
    log_R, weight_R = readings(mid_N, kick_W)
    if not weight_R.sum() > 0:
        return None
    near_GR = np.exp(-0.5 * np.square((GRID_G[:, None] - log_R) / SPREAD))
    sum_G = near_GR @ weight_R
    best = int(sum_G.argmax())
    return Balance(float(GRID_G[best]), float(sum_G[best] / weight_R.sum()))
