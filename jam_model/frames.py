"""Time arithmetic: the one place where seconds, samples and latent frames meet.

JAM's grid: 44,100 Hz audio, one latent frame every 2048 samples (21.533 frames a second), 64 channels.
"""

import math
from collections.abc import Sequence

import numpy as np

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
