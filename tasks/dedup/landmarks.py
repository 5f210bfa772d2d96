"""Landmarks: an audio fingerprint of pairs of spectral peaks, and how much of it two songs share at one offset.

A peak is louder than all around it, so that gain and lossy coding move few of them; a landmark is two peaks
(both frequencies and the time between) with the time of the first. Copies agree on many landmarks with one
and the same offset between their times, songs that only sound alike do not. After Wang, "An Industrial-Strength
Audio Search Algorithm" (ISMIR 2003).

Shapes: C channels, N samples, T frames, F frequency bins, P peaks, L landmarks.
"""

from __future__ import annotations

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ

RATE_HZ = 11_025
WINDOW, HOP = 1024, 128
LOW_BIN, HIGH_BIN = 8, 400  # 86 Hz to 4.3 kHz: what telephones and 64 kbit/s leave alone
AROUND_BINS, AROUND_FRAMES = 20, 21  # a peak is the loudest within 215 Hz and 0.25 s
FLOOR_DB = 50.0  # below the loudest peak of the song
SILENCE = 1e-4  # magnitude; rounding noise of a silent file lies below
TARGETS, MAX_SPAN_FRAMES = 6, 128  # the next peaks, up to 1.5 s later
SPAN_STEP = 4  # the time between two peaks in steps of 46 ms: offsets of half a hop move it
TIME_BITS = 24
OFFSET_TOLERANCE = 3  # frames
INDEX_STEPS = 3
BLOCK_FRAMES = 4096


def landmarks(mix_CN: np.ndarray, limit: int) -> np.ndarray:
    """Sorted int64 [L], ``key << 24 | frame``, of a mix at 44.1 kHz.

    Of more than `limit`, those are kept whose keys hash lowest: the same ones in every copy.
    """
    levels_TF = _levels(mix_CN)
    frames_P, bins_P = _peaks(levels_TF)
    first, second = _pairs(frames_P)
    spans = (frames_P[second] - frames_P[first] + SPAN_STEP // 2) // SPAN_STEP
    keys_L = (bins_P[first] << 16) | (bins_P[second] << 7) | spans
    marks_L = (keys_L << TIME_BITS) | frames_P[first]
    chosen = np.lexsort((frames_P[first], scrambled(keys_L)))[:limit]
    return np.sort(marks_L[chosen])


def index_keys(marks_L: np.ndarray, limit: int) -> np.ndarray:
    """Hashes of landmarks together with the next few, int64: rare even where single landmarks are common.

    Of more than `limit`, the lowest are kept: the same ones in every copy.
    """
    order = np.argsort(marks_L & ((1 << TIME_BITS) - 1), kind="stable")
    hashes_L = scrambled(marks_L[order] >> TIME_BITS)
    joined = [
        scrambled(hashes_L[:-step] + np.uint64(step) * hashes_L[step:]) for step in range(1, INDEX_STEPS + 1)
    ]
    found = np.sort(np.concatenate(joined))
    found = found[np.diff(found, prepend=~found[:1]) != 0]  # each once; `np.unique` takes twice as long
    return (found >> np.uint64(1)).astype(np.int64)[:limit]


def shared_landmarks(marks_L: np.ndarray, other_L: np.ndarray, at_least: int) -> float:
    """Share of the shorter fingerprint found in the other at the best offset, 0 to 1.

    A fingerprint of fewer than `at_least` (1 or more) landmarks tells nothing: 0.
    """
    if min(len(marks_L), len(other_L)) < at_least:
        return 0.0
    keys_L, times_L = marks_L >> TIME_BITS, marks_L & ((1 << TIME_BITS) - 1)
    other_keys_L, other_times_L = other_L >> TIME_BITS, other_L & ((1 << TIME_BITS) - 1)
    begin_L = np.searchsorted(other_keys_L, keys_L, "left")
    counts_L = np.searchsorted(other_keys_L, keys_L, "right") - begin_L
    if not counts_L.any():
        return 0.0
    own = np.repeat(np.arange(len(marks_L)), counts_L)
    met = np.repeat(begin_L - np.cumsum(counts_L) + counts_L, counts_L) + np.arange(len(own))
    offsets = other_times_L[met] - times_L[own]
    ordered = np.sort(offsets)
    together = np.searchsorted(ordered, ordered + OFFSET_TOLERANCE, "right") - np.arange(len(ordered))
    best = ordered[together.argmax()]
    agreeing = (offsets >= best) & (offsets <= best + OFFSET_TOLERANCE)
    count = min(len(np.unique(own[agreeing])), len(np.unique(met[agreeing])))
    return count / min(len(marks_L), len(other_L))


def scrambled(keys: np.ndarray) -> np.ndarray:
    """uint64 that orders integers as if by chance, the same way everywhere (the finaliser of MurmurHash3)."""
    mixed = keys.astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(33))


def _levels(mix_CN: np.ndarray) -> np.ndarray:
    """Magnitudes of the mono mix, float32 [T, F]; a song is transformed block by block."""
    import scipy.fft
    import soxr

    mono_N = soxr.resample(mix_CN.mean(axis=0, dtype=np.float32), SAMPLE_RATE_HZ, RATE_HZ)
    frames_TW = np.lib.stride_tricks.sliding_window_view(np.pad(mono_N, WINDOW // 2), WINDOW)[::HOP]
    window_W = np.hanning(WINDOW).astype(np.float32)
    blocks = [
        np.abs(scipy.fft.rfft(frames_TW[start : start + BLOCK_FRAMES] * window_W, axis=1)[:, :HIGH_BIN])
        for start in range(0, len(frames_TW), BLOCK_FRAMES)
    ]
    return np.concatenate(blocks)


def _peaks(levels_TF: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frame and bin of every peak, int64 [P] each, in order of time."""
    from scipy.ndimage import maximum_filter

    around_TF = maximum_filter(levels_TF, size=(2 * AROUND_FRAMES + 1, 2 * AROUND_BINS + 1))
    floor = max(SILENCE, float(levels_TF.max()) * 10 ** (-FLOOR_DB / 20))
    peak_TF = (levels_TF == around_TF) & (levels_TF > floor)
    peak_TF[:, :LOW_BIN] = False
    frames_P, bins_P = np.nonzero(peak_TF)
    return frames_P.astype(np.int64), bins_P.astype(np.int64)


def _pairs(frames_P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every peak with each of the next few that are not at its own time: places of the first and the second."""
    after_P = np.searchsorted(frames_P, frames_P + SPAN_STEP)
    first = np.repeat(np.arange(len(frames_P)), TARGETS)
    second = (after_P[:, None] + np.arange(TARGETS)).ravel()
    inside = second < len(frames_P)
    first, second = first[inside], second[inside]
    near = frames_P[second] - frames_P[first] <= MAX_SPAN_FRAMES
    return first[near], second[near]
