"""Moves a said word to other times and pitches: grains of two periods around marks, taken from one time of the source and laid at another.

Source: Moulines and Charpentier, *Pitch-synchronous waveform processing techniques*, 1990. The word was said on one
constant pitch, so marks need not be searched: they lie a period apart. Legend: N = samples, M = marks, G = a grain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def moved(
    source_N: np.ndarray,
    source_hz: float,
    bounds_in: Sequence[float],
    bounds_out: Sequence[float],
    voiceless: Sequence[bool],
    note_bounds: Sequence[float],
    notes_hz: Sequence[float],
    rate_hz: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """A word whose pieces lie elsewhere; float32, as long as the last of `bounds_out`.

    Args:
        source_N: the word, said at `source_hz`.
        bounds_in, bounds_out: where its pieces begin and the last ends, in samples, here and there; one more than pieces.
        voiceless: pieces without a pitch: their grains are taken from about the right time, lest noise becomes a tone.
        note_bounds, notes_hz: where its pitches begin and the last ends, in samples of the result, and what they are.
    """
    length = round(bounds_out[-1])
    period = rate_hz / source_hz
    half = int(np.ceil(period))
    spans = np.diff(np.asarray(note_bounds, float))
    phase = np.concatenate([[0.0], np.cumsum(spans * np.asarray(notes_hz) / rate_hz)])
    marks_M = np.interp(np.arange(max(int(phase[-1]), 1)), phase, note_bounds)
    source_M = np.interp(marks_M, bounds_out, bounds_in)
    piece_M = np.clip(np.searchsorted(bounds_out, marks_M, side="right") - 1, 0, len(voiceless) - 1)
    noise_M = np.asarray(voiceless)[piece_M]
    on_marks_M = np.rint(source_M / period) * period
    loose_M = source_M + rng.uniform(-0.5, 0.5, len(source_M)) * period
    centre_M = np.clip(np.rint(np.where(noise_M, loose_M, on_marks_M)), 0, len(source_N)).astype(int)
    hz_M = np.asarray(notes_hz)[
        np.clip(np.searchsorted(note_bounds, marks_M, side="right") - 1, 0, len(notes_hz) - 1)
    ]
    window_G = np.hanning(2 * half + 1)[:-1].astype(np.float32)
    offsets_G = np.arange(2 * half)
    padded = np.pad(source_N, half)
    grains_MG = (
        padded[centre_M[:, None] + offsets_G] * window_G * (source_hz / hz_M)[:, None].astype(np.float32)
    )
    placed_MG = np.rint(marks_M).astype(int)[:, None] + offsets_G
    out_N = np.zeros(length + 2 * half + 1, np.float32)
    np.add.at(out_N, placed_MG.ravel(), grains_MG.ravel())
    return out_N[half : half + length]
