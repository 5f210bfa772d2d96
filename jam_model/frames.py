"""Time arithmetic: the one place where seconds, samples and latent frames meet.

JAM's grid: 44,100 Hz audio, one latent frame every 2048 samples (21.533 frames a second), 64 channels.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jam_model.words import MAX_SECONDS

SAMPLE_RATE_HZ = 44_100
HOP_SAMPLES = 2048
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES
LATENT_CHANNELS = 64
STYLE_DIM = 512

SHORTEST_STRETCH = 22
"""Frames between masked seconds that are worth a crop: a second."""


def frames_of_samples(num_samples: int) -> int:
    """Whole latent frames in `num_samples` samples at 44.1 kHz (a started frame is not counted)."""
    return num_samples // HOP_SAMPLES


def frames_of_seconds(seconds: float) -> int:
    """Whole latent frames in `seconds`; the sample is rounded first, so 1.0 s of audio is always the same."""
    return frames_of_samples(round(seconds * SAMPLE_RATE_HZ))


def seconds_of_frames(num_frames: int) -> float:
    """Length in seconds of `num_frames` latent frames."""
    return num_frames * HOP_SAMPLES / SAMPLE_RATE_HZ


def frame_middles_s(num_frames: int, start_frame: int = 0) -> np.ndarray:
    """Seconds from the song's start to the middle of each of `num_frames` frames from `start_frame`, [T]."""
    return (start_frame + np.arange(num_frames) + 0.5) / FRAME_RATE_HZ


def free_stretches(masked_s: Sequence[tuple[float, float]], num_frames: int) -> list[tuple[int, int]]:
    """Frames [first, end) between the masked seconds, each at least `SHORTEST_STRETCH` long; all of a song without any."""
    if not masked_s:
        return [(0, num_frames)]
    stretches, first = [], 0
    for start_s, end_s in sorted(masked_s):
        stretches.append((first, min(math.floor(start_s * FRAME_RATE_HZ), num_frames)))
        first = max(first, math.ceil(end_s * FRAME_RATE_HZ))
    stretches.append((first, num_frames))
    return [(first, end) for first, end in stretches if end - first >= SHORTEST_STRETCH]


def masks_of(rows: Any, name: str) -> tuple[tuple[float, float], ...]:
    """The spans in a member `masked` of a sample: a list of ``{"start_s", "end_s"}``.

    Raises:
        ValueError: another form, or times that are no seconds in order.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{name} is no list of objects with start_s and end_s; pack again")
    spans = [(row.get("start_s"), row.get("end_s")) for row in rows]
    for start_s, end_s in spans:
        numbers = all(type(time) in (int, float) for time in (start_s, end_s))
        if not numbers or not 0 <= start_s <= end_s <= MAX_SECONDS:
            raise ValueError(
                f"{name}: {start_s} to {end_s} is no span of seconds from 0 to {MAX_SECONDS:g}; pack again"
            )
    return tuple((float(start_s), float(end_s)) for start_s, end_s in spans)
