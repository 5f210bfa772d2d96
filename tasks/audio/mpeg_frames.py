"""The frames of an MPEG audio file walked in a chain: where each begins, bitrate and body, and what the first (Xing) says of the rest.

A frame states its own length, so that the sound of a file can be counted without decoding it, and what lies between and
behind the frames is seen. The headers Xing, Info (LAME's too) and VBRI are frames without sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from tasks.engine.song import Refused

RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By the version bits: MPEG 1, 2 and 2.5."""
KBITS = {  # by (is MPEG 1, layer); index 0 is free format, which is left to the decoders
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SYNC = re.compile(rb"\xff[\xe2-\xff]")
CHAIN = 3  # frames in a row: chance does not make them
SEARCHED_BYTES = 1 << 16  # of a file that begins with something else
MAX_SKIPPED_BYTES = 1 << 22  # between all frames, so that no file keeps the search busy
DECODER_DELAY = 529


@dataclass(frozen=True)
class Frame:
    """What a frame's four bytes say; `kind` (version, layer, rate) is one for all frames of a stream."""

    size: int
    samples: int
    rate: int
    channels: int
    layer: int
    kind: tuple[int, int, int]


@dataclass(frozen=True)
class Header:
    """A Xing, Info or VBRI frame: frames of sound behind it (0: not stated), and samples to skip at both ends."""

    frames: int
    delay: int | None = None
    padding: int = 0


@dataclass
class Walk:
    """The frames of sound in a file, as (offset, bytes), and what lies around them.

    `header`: of the first part. `parts`: files joined into one, by their headers. `first_part`: frames before the
    second. `cut_bytes`: what the last frame lacks, `between` and `behind`: bytes that are no frames.
    """

    first: Frame
    header: Header | None = None
    frames: list[tuple[int, int]] = field(default_factory=list)
    parts: int = 1
    first_part: int = 0
    sizes: set[int] = field(default_factory=set)
    between: int = 0
    behind: int = 0
    cut_bytes: int = 0

    @property
    def samples(self) -> int:
        """Samples a channel of all frames."""
        return len(self.frames) * self.first.samples


def first_frame(data: bytes, start: int, end: int) -> int | None:
    """Where the frames begin: at `start`, or soon behind something else where several stand in a row."""
    if _chain(data, start, end, 1):
        return start
    near = min(end, start + SEARCHED_BYTES)
    return next((at for at in _syncs(data, start, near) if _chain(data, at, end, CHAIN)), None)


def walk_frames(data: bytes, start: int, end: int, max_samples: int | None) -> Walk:
    """All frames from the one at `start` on.

    Raises:
        Refused: ``not_audio``: no frame, another stream inside, or too much that is none; ``too_long``.
    """
    first = frame_at(data, start)
    if first is None:
        raise Refused("not_audio", "no MPEG frame where the sound should begin")
    walk = Walk(first, _header(data, start, first))
    at = start + (first.size if walk.header else 0)
    while at < end:
        frame = frame_at(data, at)
        if frame is None or frame.kind != first.kind:
            following = _resync(data, at, end, walk)
            if following is None:
                walk.behind = end - at
                break
            walk.between += following - at
            at = following
            continue
        if _header(data, at, frame) is not None:
            walk.first_part = walk.first_part or len(walk.frames)
            walk.parts += 1  # decoded as players do: silence of one frame
        walk.sizes.add(frame.size)
        walk.frames.append((at, min(frame.size, end - at)))
        walk.cut_bytes = max(0, at + frame.size - end)
        at += frame.size
        if max_samples is not None and walk.samples > max_samples + first.samples * CHAIN:
            raise Refused("too_long", f"over {max_samples} samples by its frames; cut the song")
    walk.first_part = walk.first_part or len(walk.frames)
    return walk


def frame_at(data: bytes, at: int) -> Frame | None:
    """The frame that begins here, None where none does."""
    return _frame_of(data[at : at + 4])


@lru_cache(4096)
def _frame_of(head: bytes) -> Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE2:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate_index, kbit_index = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate_index == 3 or kbit_index in (0, 15):
        return None
    rate = RATES_HZ[version][rate_index]
    kbits = KBITS[version == 3, layer][kbit_index]
    samples = {1: 384, 2: 1152, 3: 1152 if version == 3 else 576}[layer]
    slot = 4 if layer == 1 else 1
    size = (samples // 8 // slot * kbits * 1000 // rate + (head[2] >> 1 & 1)) * slot
    channels = 1 if head[3] >> 6 == 3 else 2
    return Frame(size, samples, rate, channels, layer, (version, layer, rate))


def _chain(data: bytes, at: int, end: int, count: int) -> bool:
    """Whether frames of one kind stand here in a row: `count` of them and one more, or all up to the end."""
    first = frame_at(data, at)
    if first is None or at + first.size > end:
        return False
    for _ in range(count):
        frame = frame_at(data, at)
        if frame is None or frame.kind != first.kind:
            return False
        at += frame.size
        if at >= end:
            return at == end or count > 1
    following = frame_at(data, at)
    return following is not None and following.kind == first.kind


def _syncs(data: bytes, start: int, end: int) -> Iterator[int]:
    return (match.start() for match in SYNC.finditer(data, start, end))


def _resync(data: bytes, at: int, end: int, walk: Walk) -> int | None:
    """Where frames go on behind something else; None at the end."""
    searched = min(end, at + MAX_SKIPPED_BYTES - walk.between)
    for place in _syncs(data, at, searched):
        if _chain(data, place, end, CHAIN):
            frame = frame_at(data, place)
            if frame is not None and frame.kind != walk.first.kind:
                raise Refused("not_audio", "the rate changes inside the file; encode it again as one")
            return place
    if searched < end:
        raise Refused("not_audio", f"over {MAX_SKIPPED_BYTES} bytes between its frames are no sound")
    return None


def _header(data: bytes, at: int, frame: Frame) -> Header | None:
    """What a frame without sound states, or None for a frame of sound."""
    body = data[at : at + frame.size]
    if body[36:40] == b"VBRI":
        return Header(int.from_bytes(body[50:54], "big"))
    side = (32, 17) if frame.kind[0] == 3 else (17, 9)
    place = 4 + side[frame.channels == 1]
    if frame.layer != 3 or body[place : place + 4] not in (b"Xing", b"Info"):
        return None
    flags, place = int.from_bytes(body[place + 4 : place + 8], "big"), place + 8
    frames = int.from_bytes(body[place : place + 4], "big") if flags & 1 else 0
    lame = place + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    skips = int.from_bytes(body[lame + 21 : lame + 24], "big")
    if not body[lame : lame + 1].strip(b"\0") or not skips:
        return Header(frames)
    return Header(frames, skips >> 12, skips & 0xFFF)
