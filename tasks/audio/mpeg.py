"""MP3 (and MPEG layers I and II) read as sound: every frame that is in the file, less the encoder's delay, whatever its header says.

A file whose frames are as many as its header states is libsndfile's to decode, and so is one of constant rate without a
header. Any other is decoded frame by frame: libsndfile ends where the header, or a guess from the first frame's rate,
says that the file ends. Then the clock is that of players on FFmpeg's libraries: the stated delay of the first part is
skipped, those of files joined behind it are not.

Without a LAME header the encoder's delay stays in the samples, and is told (`MP3_DELAY`).
Shapes: C channels, N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from tasks.audio import libsndfile
from tasks.audio.content import end_of_sound
from tasks.audio.limits import AudioParams, check_claim, gathered
from tasks.audio.mpeg_frames import DECODER_DELAY, Walk, first_frame, walk_frames
from tasks.audio.sound import (
    CUT_TOLERANCE_S,
    FRAMES_TOLERANCE_S,
    MP3_DELAY,
    Sound,
    bytes_behind,
    held_against,
    remark,
)
from tasks.engine.song import Refused

CODECS = {1: "mp1float", 2: "mp2float", 3: "mp3float"}


def read_mpeg(data: bytes, start: int, limits: AudioParams | None) -> Sound:
    """All samples of the MPEG frames in a file.

    Raises:
        Refused: ``truncated``, ``not_audio``, or a limit.
    """
    end = end_of_sound(data, start)
    at = first_frame(data, start, end)
    if at is None:
        raise Refused("not_audio", "no MPEG frames")
    walk = walk_frames(data, at, end, _max_samples(data, limits))
    check_claim(walk.first.rate, walk.first.channels, walk.samples, limits)
    stated = walk.header.frames * walk.first.samples if walk.header else 0
    told = []
    if walk.header:
        found = walk.first_part * walk.first.samples
        told += held_against(stated, found, walk.first.rate, FRAMES_TOLERANCE_S)
    told += _remarks(walk, at - start)
    audio_CN = None if told else _by_libsndfile(data[at:end], walk, limits)
    if audio_CN is None:
        blocks = _Blocks(data, walk)
        audio_CN = _trimmed(gathered(blocks, walk.first.rate, walk.first.channels, limits), walk)
        told += blocks.remarks()
    return Sound(audio_CN, walk.first.rate, tuple(told), _unstated_delay_s(walk))


def _max_samples(data: bytes, limits: AudioParams | None) -> int | None:
    """At the highest rate there is: the walk only has to end."""
    return None if limits is None else int(limits.max_seconds * 48_000)


def _remarks(walk: Walk, before: int) -> list[str]:
    told = []
    if walk.parts > 1:
        told.append(remark("joined", f"{walk.parts} files joined to one; delays of the later ones stay"))
    if walk.between or before:
        told.append(
            remark("bytes_between", f"{walk.between + before} bytes before and between frames are no sound")
        )
    if walk.cut_bytes:
        told.append(
            remark(
                "last_frame_cut",
                f"the last frame lacks {walk.cut_bytes} bytes: cut, or a download that stopped",
            )
        )
    return told + bytes_behind(walk.behind)


def _by_libsndfile(data: bytes, walk: Walk, limits: AudioParams | None) -> np.ndarray | None:
    """Samples [C, N] if it finds as many as there must be."""
    is_stated = walk.header is not None and walk.header.frames > 0
    is_constant = (
        max(walk.sizes, default=0) - min(walk.sizes, default=0) <= 4
    )  # a frame is padded by one slot
    if not is_stated and (walk.header is not None or not is_constant):
        return None
    found = libsndfile.tried(data, ("MP3",), limits)
    return found[0] if found and found[0].shape[1] == walk.samples - sum(_skips(walk)) else None


def _skips(walk: Walk) -> tuple[int, int]:
    """Samples that the header says to skip at the beginning and the end."""
    if walk.header is None or walk.header.delay is None:
        return 0, 0
    return walk.header.delay + DECODER_DELAY, max(0, walk.header.padding - DECODER_DELAY)


def _trimmed(audio_CN: np.ndarray, walk: Walk) -> np.ndarray:
    """Without the delay, and without the padding where it lies where the header says."""
    delay, padding = _skips(walk)
    is_as_stated = walk.header is not None and walk.header.frames == len(walk.frames)
    return audio_CN[:, delay : audio_CN.shape[1] - (padding if is_as_stated else 0)]


def _unstated_delay_s(walk: Walk) -> float | None:
    if walk.first.layer != 3 or (walk.header is not None and walk.header.delay is not None):
        return None
    return MP3_DELAY / walk.first.rate


class _Blocks:
    """Samples [n, C] a frame; one that cannot be decoded is silence, so that all others keep their place."""

    def __init__(self, data: bytes, walk: Walk) -> None:
        self.data, self.walk = data, walk
        self.num_damaged = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        import av

        first = self.walk.first
        decoder = cast(av.AudioCodecContext, av.CodecContext.create(CODECS[first.layer], "r"))
        for offset, size in self.walk.frames:
            try:
                frames = decoder.decode(av.Packet(self.data[offset : offset + size]))
                blocks = [frame.to_ndarray() for frame in frames]
            except av.FFmpegError:
                blocks = []
            if len(blocks) != 1 or blocks[0].shape[1] != first.samples:
                self.num_damaged += 1
                blocks = [np.zeros((first.channels, first.samples), np.float32)]
            yield _of_channels(blocks[0], first.channels).T

    def remarks(self) -> list[str]:
        """What was damaged.

        Raises:
            Refused: ``truncated``: more than would be missed in silence.
        """
        first, lost = self.walk.first, self.num_damaged * self.walk.first.samples
        held_against(self.walk.samples, self.walk.samples - lost, first.rate, CUT_TOLERANCE_S)
        return [remark("frames_damaged", f"{self.num_damaged} frames are silence")] if lost else []


def _of_channels(block_CN: np.ndarray, channels: int) -> np.ndarray:
    """A frame may be mono in a stereo stream; the other way round would lose a side."""
    if len(block_CN) == channels:
        return block_CN
    if len(block_CN) == 1:
        return np.repeat(block_CN, channels, axis=0)
    raise Refused("not_audio", "a mono file goes on in stereo; encode it again as one")
