"""Limits on a source file (bytes, channels, rate, seconds): held against what it claims before anything is decoded, and against what comes while it is.

Shapes: C channels, N samples.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tasks.engine.song import Refused
from tasks.engine.stage import Section


class AudioParams(Section):
    """Limits on a source file. All but the decoded length are checked before anything is decoded."""

    max_seconds: float
    max_bytes: int
    max_channels: int
    min_rate_hz: int
    max_rate_hz: int


def check_size(num_bytes: int, limits: AudioParams | None) -> None:
    """Refuses a file without bytes (``empty``) or with too many (``too_large``)."""
    if num_bytes == 0:
        raise Refused("empty", "the file has no bytes")
    if limits is not None and num_bytes > limits.max_bytes:
        raise Refused(
            "too_large", f"{num_bytes} bytes, max_bytes is {limits.max_bytes}; cut or compress the file"
        )


def check_claim(rate: int, channels: int, frames: int, limits: AudioParams | None) -> None:
    """Refuses by what a file claims, so that no hostile one is decoded; `frames` is 0 where it claims no length.

    Raises:
        Refused: ``bad_rate``, ``too_many_channels`` or ``too_long``.
    """
    if rate <= 0:
        raise Refused("bad_rate", f"{rate} Hz")
    if limits is None:
        return
    if not limits.min_rate_hz <= rate <= limits.max_rate_hz:
        raise Refused(
            "bad_rate",
            f"{rate} Hz, allowed {limits.min_rate_hz} to {limits.max_rate_hz}; resample the file",
        )
    if channels > limits.max_channels:
        raise Refused("too_many_channels", f"{channels}, max_channels is {limits.max_channels}; mix it down")
    if frames > limits.max_seconds * rate:
        raise Refused("too_long", f"{frames / rate:.1f} s, max_seconds is {limits.max_seconds}; cut the song")


def gathered(
    blocks: Iterable[np.ndarray], rate: int, channels: int, limits: AudioParams | None
) -> np.ndarray:
    """Samples [C, N] of blocks [n, C], counted as they come, so that a file that lies cannot fill the memory."""
    max_frames = None if limits is None else int(limits.max_seconds * rate)
    parts, num_frames = [np.zeros((0, channels), np.float32)], 0
    for block_NC in blocks:
        parts.append(block_NC)
        num_frames += len(block_NC)
        if max_frames is not None and num_frames > max_frames:
            raise Refused("too_long", f"over {max_frames} samples, more than the header says; cut the song")
    return np.ascontiguousarray(np.concatenate(parts).T)
