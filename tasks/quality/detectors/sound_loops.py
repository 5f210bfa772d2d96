"""Sound that repeats itself to the sample at a lag, spans found on levels and then exactly, as where a player hangs or an editor pasted a piece again.

Music repeats too, but players and singers never play twice the same samples, and a sequencer's bars carry a voice. So lags
are found by levels of frames, and believed only where the samples at that lag differ by no more than `EXACT_DB`. A held note
is alike at every lag: a piece counts only where its levels move.

Shapes: N samples, T frames, B bands.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ

HOP, SIZE = 882, 2048
FRAMES_A_S = SAMPLE_RATE_HZ / HOP
EDGES_HZ = np.geomspace(100, 16_000, 17)
SHORTEST_S, LONGEST_S = 0.1, 3.0
"""Of the piece that comes again."""
LEAST_S, LEAST_PIECES = 0.5, 1.5
"""What repeats lasts at least so long, and so many pieces beyond the first."""
SMOOTH = 15
"""Frames over which levels are held apart: a piece is no whole number of frames long, and strikes move between them."""
ALIKE_DB, MOVES_DB, FLOOR_DB = 5.0, 2.0, -50.0
EXACT_DB = -20.0

Span = tuple[float, float]


def loop_spans(mix_N: np.ndarray) -> list[Span]:
    """Seconds [start, end) that repeat what lies one piece before them, in order, without overlaps; the first piece is not in it."""
    levels_TB = _levels(mix_N)
    found: list[Span] = []
    for lag in range(round(SHORTEST_S * FRAMES_A_S), round(LONGEST_S * FRAMES_A_S) + 1):
        least = max(round(LEAST_PIECES * lag), round(LEAST_S * FRAMES_A_S))
        if len(levels_TB) < lag + least:
            break
        apart_T = smoothed(np.abs(levels_TB[lag:] - levels_TB[:-lag]).mean(axis=1), SMOOTH)
        for first, end in runs_of(apart_T < ALIKE_DB):
            if end - first < least or levels_TB[first:end].std(axis=0).mean() < MOVES_DB:
                continue
            found += _exact(mix_N, lag * HOP, (first + lag) * HOP, (end + lag) * HOP, least * HOP)
    return joined(found)


def _levels(mix_N: np.ndarray) -> np.ndarray:
    """Levels in dB below the loudest band of the song, [T, B]; nothing below `FLOOR_DB` is told apart."""
    num_frames = max(0, 1 + (len(mix_N) - SIZE) // HOP)
    bins = np.searchsorted(np.fft.rfftfreq(SIZE, 1 / SAMPLE_RATE_HZ), EDGES_HZ)
    power_TB = np.zeros((num_frames, len(EDGES_HZ) - 1))
    window = np.hanning(SIZE).astype(np.float32)
    for first in range(0, num_frames, 512):
        starts = np.arange(first, min(first + 512, num_frames)) * HOP
        power = np.abs(np.fft.rfft(mix_N[starts[:, None] + np.arange(SIZE)] * window)) ** 2
        power_TB[first : first + len(starts)] = np.add.reduceat(power, bins, axis=1)[:, :-1]
    top = float(power_TB.max(initial=0.0)) or 1.0
    return 10 * np.log10(np.maximum(power_TB / top, 10 ** (FLOOR_DB / 10)))


def _exact(mix_N: np.ndarray, lag: int, first: int, end: int, least: int) -> list[Span]:
    """Where in [first, end) the samples are those of a lag near this one before them."""
    middle = (first + end) // 2
    length = min(end - first, SAMPLE_RATE_HZ // 2)
    piece_N = mix_N[middle - length // 2 : middle + length // 2].astype(np.float64)
    begin = middle - length // 2 - lag - HOP
    if begin < 0:
        return []
    near_N = mix_N[begin : begin + len(piece_N) + 2 * HOP].astype(np.float64)
    size = 1 << (len(near_N) + len(piece_N)).bit_length()
    match_N = np.fft.irfft(np.fft.rfft(near_N, size) * np.conj(np.fft.rfft(piece_N, size)), size)
    lag += HOP - int(match_N[: 2 * HOP + 1].argmax())
    reach = SMOOTH * HOP  # levels are held apart over so much, and end so much too soon
    first, end = max(first - reach, lag), min(end + reach + SIZE, len(mix_N))
    blocks = (end - first) // HOP
    now_N = mix_N[first : first + blocks * HOP].astype(np.float64)
    before_N = mix_N[first - lag : first - lag + blocks * HOP].astype(np.float64)
    error_T = np.square(now_N - before_N).reshape(blocks, HOP).sum(axis=1)
    power_T = np.square(now_N).reshape(blocks, HOP).sum(axis=1)
    exact_T = error_T <= 10 ** (EXACT_DB / 10) * power_T
    spans = [(first + start * HOP, first + stop * HOP) for start, stop in runs_of(exact_T)]
    return [(start / SAMPLE_RATE_HZ, stop / SAMPLE_RATE_HZ) for start, stop in spans if stop - start >= least]


def smoothed(values_T: np.ndarray, frames: int) -> np.ndarray:
    """The mean over so many frames around each, fewer at the ends, [T]."""
    sums = np.concatenate([[0.0], np.cumsum(values_T)])
    places = np.arange(len(values_T))
    first, end = np.maximum(places - frames // 2, 0), np.minimum(places + frames // 2 + 1, len(values_T))
    return (sums[end] - sums[first]) / (end - first)


def runs_of(marks_T: np.ndarray) -> list[tuple[int, int]]:
    """Where marks stand without a break, as [first, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks_T.astype(np.int8), [0]])))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def joined(spans: list[Span]) -> list[Span]:
    """The same seconds in order, without overlaps."""
    ordered = sorted(spans)
    out = ordered[:1]
    for _, (start_s, end_s) in pairwise(ordered):
        if start_s <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end_s))
        else:
            out.append((start_s, end_s))
    return out
