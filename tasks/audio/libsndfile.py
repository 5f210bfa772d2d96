"""Samples by libsndfile (soundfile), block by block: what it reads rightly is read by it alone.

Shapes: C channels, N samples.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tasks.audio.limits import AudioParams, check_claim, gathered
from tasks.engine.song import Refused

if TYPE_CHECKING:
    import soundfile

BLOCK_FRAMES = 1 << 18


def decoded(data: bytes, formats: tuple[str, ...], limits: AudioParams | None) -> tuple[np.ndarray, int, int]:
    """Samples [C, N], their rate in Hz, and how many a channel the file claims to libsndfile.

    Raises:
        Refused: ``not_audio`` (also another format than `formats`), or a limit.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as source:
            if source.format not in formats:
                raise Refused("not_audio", f"{source.format} where {' or '.join(formats)} was expected")
            rate, channels, frames = int(source.samplerate), int(source.channels), int(source.frames)
            check_claim(rate, channels, frames, limits)
            return gathered(_blocks(source), rate, channels, limits), rate, frames
    except soundfile.LibsndfileError as error:
        raise Refused("not_audio", f"{error.error_string.strip() or 'it cannot be decoded'}") from None


def tried(
    data: bytes, formats: tuple[str, ...], limits: AudioParams | None
) -> tuple[np.ndarray, int, int] | None:
    """As `decoded`; None where it is no sound to libsndfile, which FFmpeg may read yet.

    Raises:
        Refused: a limit.
    """
    try:
        return decoded(data, formats, limits)
    except Refused as refusal:
        if refusal.reason != "not_audio":
            raise
        return None


def _blocks(source: soundfile.SoundFile) -> Iterator[np.ndarray]:
    while len(block_NC := source.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        yield block_NC
