"""Lines of a song one by one: how well each fits what is heard (coverage, missed words), and unwritten stretches where a voice is loud and no word lies.

A line is one that came with its time, else the words up to the next pause.

Shapes: W words, T frames of 10 ms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from jam_model.words import Word
from tasks.audio.levels import frame_power
from tasks.quality.checked_song import CheckedSong
from tasks.quality.detectors.sound_loops import runs_of, smoothed
from tasks.times.line_times import lines_of

PAUSE_S, MAX_WORDS = 0.3, 12
"""A pause this long ends a line, and so do this many words."""
VOICE_DB, SMOOTH_S = -6.0, 0.5
"""Vocals whose mean level over this time is within this of what it is below words are a voice; separators leave less of a band."""
NEAR_S, LEAST_S = 0.15, 0.4
"""A word covers this much to either side; a shorter stretch that none covers is passed over."""
SHOWN_WORDS = 8
FIT = pa.struct(
    [
        ("text", pa.string()),
        ("num_words", pa.int32()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("alignment", pa.float64()),
        ("coverage", pa.float64()),
        ("missed", pa.float64()),
    ]
)
STRETCH = pa.struct([("start_s", pa.float64()), ("end_s", pa.float64()), ("share", pa.float64())])


def line_fits(song: CheckedSong, timed_lines: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """Rows of the column `line_fits`. A line's seconds reach over the words as they are kept and as they are laid."""
    missed_W, laid = song.missed_W, song.laid
    rows = []
    for first, end in line_bounds(song.words, timed_lines):
        words = [*song.words[first:end], *laid[first:end]]
        scores = [word.score or 0.0 for word in laid[first:end]]
        is_laid = song["alignment_score"] is not None
        rows.append(
            {
                "text": " ".join(word.text for word in song.words[first : min(end, first + SHOWN_WORDS)]),
                "num_words": end - first,
                "start_s": min(word.start_s for word in words),
                "end_s": max(word.end_s for word in words),
                "alignment": float(np.mean(scores)) if is_laid else None,
                "coverage": float(np.mean(np.array(scores) >= song.params.plausible_score))
                if is_laid
                else None,
                "missed": None if missed_W is None else float(missed_W[first:end].mean()),
            }
        )
    return rows


def line_bounds(
    words: Sequence[Word], timed_lines: Sequence[Mapping[str, Any]] | None
) -> list[tuple[int, int]]:
    """Words [first, end) of each line."""
    lines = lines_of(timed_lines) or []
    if lines and lines[-1].last + 1 == len(words):
        return [(line.first, line.last + 1) for line in lines]
    starts = [0]
    for place, (before, after) in enumerate(pairwise(words), start=1):
        if after.start_s - before.end_s >= PAUSE_S or place - starts[-1] >= MAX_WORDS:
            starts.append(place)
    return list(pairwise([*starts, len(words)])) if words else []


def unwritten_stretches(song: CheckedSong) -> list[dict[str, float]]:
    """Rows of the column `unwritten_stretches`: where the vocals are loud and no word lies, each with its share of their energy."""
    power_T = frame_power(song.vocals_N)
    total = float(power_T.sum())
    if total <= 0:
        return []
    free_T = np.ones(len(power_T), bool)
    for word in [*song.words, *song.laid]:
        free_T[max(0, round((word.start_s - NEAR_S) * 100)) : round((word.end_s + NEAR_S) * 100)] = False
    if free_T.all():
        return []
    below_words = float(power_T[~free_T].mean())
    loud_T = smoothed(power_T, round(SMOOTH_S * 100)) >= below_words * 10 ** (VOICE_DB / 10)
    found = []
    for first, end in runs_of(free_T):
        sounding = np.flatnonzero(loud_T[first:end])
        if len(sounding) >= LEAST_S * 100:
            start, stop = first + int(sounding[0]), first + int(sounding[-1]) + 1
            share = float(power_T[start:stop].sum()) / total
            found.append({"start_s": start / 100, "end_s": stop / 100, "share": share})
    return found
