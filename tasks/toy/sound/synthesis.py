"""Tones of partials from wavetables, envelopes that are struck (attack, decay), and sounds mixed in at a time.

Legend: C = 2 channels, N = samples at 44.1 kHz.
"""

from __future__ import annotations

import functools

import numpy as np

SAMPLE_RATE_HZ = 44100
_TABLE_BITS = 11


def sample_at(time_s: float) -> int:
    """The sample nearest to a time."""
    return round(time_s * SAMPLE_RATE_HZ)


def hz_of(midi: float) -> float:
    """The pitch of a MIDI note number, 69 = 440 Hz."""
    return float(440 * 2 ** ((midi - 69) / 12))


@functools.cache
def wave_of(num_partials: int, falling: float, phase: float) -> np.ndarray:
    """One period of a tone whose partial k has the level k**-falling, as a table."""
    angle = np.arange(1 << _TABLE_BITS) * (2 * np.pi / (1 << _TABLE_BITS))
    partials = np.arange(1, num_partials + 1)[:, None]
    return (np.sin(partials * angle + phase * partials) / partials**falling).sum(axis=0).astype(np.float32)


def tone(hz: float, table: np.ndarray, num_samples: int) -> np.ndarray:
    """The table read at a pitch; the phase is a 32-bit counter that wraps once a period."""
    step = np.uint32(round(hz / SAMPLE_RATE_HZ * 2**32))
    return table[(np.arange(num_samples, dtype=np.uint32) * step) >> np.uint32(32 - _TABLE_BITS)]


def strikes(period_s: float, attack_s: float, decay_per_s: float, num_samples: int) -> np.ndarray:
    """An envelope struck anew every period: a linear attack under an exponential decay; [N]."""
    since_s = np.arange(sample_at(period_s), dtype=np.float32) / SAMPLE_RATE_HZ
    envelope = np.minimum(1, since_s / np.float32(attack_s)) * np.exp(-np.float32(decay_per_s) * since_s)
    return np.resize(envelope, num_samples)


def mix_in(band_CN: np.ndarray, start_s: float, sound: np.ndarray) -> None:
    """Mix a sound [N] or [2, N] in at a time; what lies past the end is lost."""
    part_CN = band_CN[:, sample_at(start_s) : sample_at(start_s) + sound.shape[-1]]
    part_CN += sound[..., : part_CN.shape[1]]
