"""Faults of the sound (noise, clipping, coding, silence, a loop). Both stems are damaged alike, so that they still add up to the song.

Within a fault's span the truth says what would be there without it: where a loop or a silence is, its words are not.
Legend: C = 2 channels, N = samples, F = bins, T = frames.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tasks.toy.faults.published import Published
from tasks.toy.sound.levels import rms
from tasks.toy.sound.synthesis import sample_at

_NOISE_DB = (0.0, 10.0)  # the song over the noise
_CLIPPED = (0.15, 0.35)  # of the peak
_KEPT_HZ, _STEP = 5000.0, 4.0  # what a damaged coding keeps, and its steps over the mean level
_SILENCE_S = (2.0, 4.0)
_LOOP_S, _LOOPS = (0.5, 1.5), (3, 6)
_FRAME, _HOP = 1024, 512


def noise(song: Published, rng: np.random.Generator) -> Published:
    """White noise over all of it, in the band."""
    over_db = float(rng.uniform(*_NOISE_DB))
    level = rms(song.vocals_N + song.band_CN) * 10 ** (-over_db / 20)
    band_CN = song.band_CN + np.float32(level) * rng.standard_normal(song.band_CN.shape, np.float32)
    peak = max(float(np.abs(part).max()) for part in (band_CN, song.vocals_N, song.vocals_N + band_CN))
    gain = np.float32(min(1.0, 0.89 / peak))
    song = dataclasses.replace(song, band_CN=band_CN * gain, vocals_N=song.vocals_N * gain)
    return song.with_fault("noise", 0.0, song.truth.duration_s, f"the song is {over_db:.1f} dB over it")


def clipping(song: Published, rng: np.random.Generator) -> Published:
    """The song cut off at a share of its peak; the band takes what that changes."""
    share = float(rng.uniform(*_CLIPPED))
    mix_CN = song.vocals_N + song.band_CN
    limit = share * float(np.abs(mix_CN).max())
    cut_CN = np.clip(mix_CN, -limit, limit)
    cut = float(np.mean(np.abs(mix_CN) > limit))
    song = dataclasses.replace(song, band_CN=cut_CN - song.vocals_N)
    return song.with_fault(
        "clipping", 0.0, song.truth.duration_s, f"{cut:.4f} of the samples lie at {limit:.4f}"
    )


def coding(song: Published, rng: np.random.Generator) -> Published:
    """A coding with too few bits: nothing above 5 kHz, and a spectrum in coarse steps."""
    step = float(rng.uniform(0.5, 1.5)) * _STEP
    mid_N = song.band_CN.mean(axis=0)
    side_N = (song.band_CN[0] - song.band_CN[1]) / 2
    mid_N, side_N, vocals_N = (_coarse(part, step) for part in (mid_N, side_N, song.vocals_N))
    song = dataclasses.replace(song, band_CN=np.stack([mid_N + side_N, mid_N - side_N]), vocals_N=vocals_N)
    detail = f"nothing above {_KEPT_HZ:.0f} Hz, steps of {step:.2f} mean levels"
    return song.with_fault("coding", 0.0, song.truth.duration_s, detail)


def _coarse(audio_N: np.ndarray, step: float) -> np.ndarray:
    """A short-time spectrum rounded to steps of its frame's mean level, and back."""
    window = np.sqrt(np.hanning(_FRAME + 1)[:-1])
    padded = np.pad(audio_N, (_HOP, _FRAME))
    starts = np.arange(0, len(padded) - _FRAME + 1, _HOP)
    spectrum_TF = np.fft.rfft(padded[starts[:, None] + np.arange(_FRAME)] * window)
    spectrum_TF[:, np.fft.rfftfreq(_FRAME, 1 / 44100) > _KEPT_HZ] = 0
    steps_T = np.maximum(step * np.abs(spectrum_TF).mean(axis=1, keepdims=True), 1e-9)
    coarse_TF = np.rint(spectrum_TF / steps_T) * steps_T
    frames_TN = np.fft.irfft(coarse_TF, _FRAME) * window
    out_N = np.zeros(len(padded))
    for start, frame_N in zip(starts, frames_TN, strict=True):
        out_N[start : start + _FRAME] += frame_N
    return out_N[_HOP : _HOP + len(audio_N)].astype(np.float32)


def silence(song: Published, rng: np.random.Generator) -> Published:
    """A few seconds of nothing in the middle."""
    length_s = float(rng.uniform(*_SILENCE_S))
    start_s = float(rng.uniform(0.2, 0.6)) * song.truth.duration_s
    vocals_N, band_CN = song.vocals_N.copy(), song.band_CN.copy()
    span = slice(sample_at(start_s), sample_at(start_s + length_s))
    vocals_N[span], band_CN[:, span] = 0, 0
    song = dataclasses.replace(song, vocals_N=vocals_N, band_CN=band_CN)
    return song.with_fault("silence", start_s, start_s + length_s, "both stems are 0")


def loop(song: Published, rng: np.random.Generator) -> Published:
    """A piece that comes again and again in place of what should follow, as where a player hangs."""
    length_s, times = round(float(rng.uniform(*_LOOP_S)), 3), int(rng.integers(_LOOPS[0], _LOOPS[1] + 1))
    start_s = float(rng.uniform(0.2, 0.5)) * song.truth.duration_s
    length = sample_at(length_s)
    first = sample_at(start_s)
    vocals_N, band_CN = song.vocals_N.copy(), song.band_CN.copy()
    for _ in range(times):
        end = min(first + length, len(vocals_N))
        kept = end - first
        vocals_N[first:end] = vocals_N[first - length : first - length + kept]
        band_CN[:, first:end] = band_CN[:, first - length : first - length + kept]
        first = end
    song = dataclasses.replace(song, vocals_N=vocals_N, band_CN=band_CN)
    detail = f"{times} times the {length_s:.3f} s before"
    return song.with_fault("loop", start_s, first / 44100, detail)


SOUND: dict[str, Callable[[Published, np.random.Generator], Published]] = {
    "noise": noise,
    "clipping": clipping,
    "coding": coding,
    "silence": silence,
    "loop": loop,
}
