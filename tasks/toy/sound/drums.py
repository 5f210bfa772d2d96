"""Three drums: kick, snare and hi-hat, each one strike at a level.

Legend: C = 2 channels, N = samples at 44.1 kHz. The kick is in the middle, the noise of the others differs between
the channels.
"""

from __future__ import annotations

import functools

import numpy as np

from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ, sample_at

_DRUM_S, _HAT_S = 0.12, 0.04
_TIME_S = np.arange(int(_DRUM_S * SAMPLE_RATE_HZ), dtype=np.float32) / SAMPLE_RATE_HZ


@functools.cache
def kick(level: float) -> np.ndarray:
    """A sine that falls from 140 to 50 Hz; [N]."""
    sweep = 2 * np.pi * (50 * _TIME_S + 90 * 0.03 * (1 - np.exp(-_TIME_S / 0.03)))
    return np.asarray(0.35 * level * np.sin(sweep) * np.exp(-25 * _TIME_S))


@functools.cache
def _snare_envelope(level: float) -> np.ndarray:
    return np.asarray(0.16 * level * np.exp(-35 * _TIME_S))


@functools.cache
def _hat_envelope(level: float) -> np.ndarray:
    return np.asarray(0.05 * level * np.exp(-80 * _TIME_S[: sample_at(_HAT_S)]))


def snare(level: float, rng: np.random.Generator) -> np.ndarray:
    """Noise; [2, N]."""
    return np.asarray(_snare_envelope(level) * rng.standard_normal((2, len(_TIME_S)), np.float32))


def hat(level: float, rng: np.random.Generator) -> np.ndarray:
    """Short noise without its lows; [2, N]."""
    envelope_N = _hat_envelope(level)
    return np.asarray(envelope_N * np.diff(rng.standard_normal((2, len(envelope_N) + 1), np.float32), axis=1))
