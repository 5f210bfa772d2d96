"""The frames of a FLAC file walked by their headers and CRCs: how many samples they hold, whatever STREAMINFO says.

A frame does not state its length, but its header ends in a CRC and bears its number: a run of bytes that only looks
like one does neither. Source: RFC 9639, sections 8.2 and 9.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SYNC = re.compile(rb"\xff[\xf8\xf9][\x10-\xff][\x00-\xaf]")
MAGIC = b"fLaC"
STREAMINFO_BYTES = 34
HEADER_BYTES = 16  # the longest


def _crc_table(bits: int, polynomial: int) -> list[int]:
    table = []
    for crc in range(256):
        crc <<= bits - 8
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> bits - 1 else 0)
            crc &= (1 << bits) - 1
        table.append(crc)
    return table


CRC8, CRC16 = _crc_table(8, 0x07), _crc_table(16, 0x8005)
BLOCK_SAMPLES = {
    1: 192,
    **{code: 576 << code - 2 for code in range(2, 6)},
    **{c: 256 << c - 8 for c in range(8, 16)},
}


@dataclass(frozen=True)
class StreamInfo:
    """What a file states: `samples` is 0 where it does not know."""

    rate: int
    channels: int
    samples: int


@dataclass(frozen=True)
class FlacWalk:
    """Samples a channel that the frames hold, files joined to one, and the last frame's place and samples."""

    samples: int
    parts: int
    last: int
    last_samples: int


def stream_info(data: bytes, start: int) -> StreamInfo | None:
    """STREAMINFO of the file that begins at `start`; None where it is not whole."""
    info = data[start + 8 : start + 8 + STREAMINFO_BYTES]
    if len(info) < STREAMINFO_BYTES or data[start + 4] & 0x7F:
        return None
    packed = int.from_bytes(
        info[10:18], "big"
    )  # 20 bits rate, 3 channels - 1, 5 bits a sample - 1, 36 samples
    return StreamInfo(packed >> 44, (packed >> 41 & 7) + 1, packed & (1 << 36) - 1)


def walk_flac(data: bytes, start: int, end: int) -> FlacWalk:
    """Counts the frames of the file that begins at `start`, and of those joined behind it."""
    samples, parts, block, last = 0, 0, 0, _frames_begin(data, start)
    expected: int | None = None
    for match in SYNC.finditer(data, last, end):
        at = match.start()
        header = _header(data[at : at + HEADER_BYTES])
        if header is None:
            continue
        is_next = header[0] == expected
        is_first = expected is None or (header[0] == 0 and data.find(MAGIC, last, at) >= 0)
        if is_next or is_first:
            (number, block), last = header, at
            samples, parts = samples + block, parts + is_first
            expected = number + (
                block if data[at + 1] & 1 else 1
            )  # the first sample's number, where blocks vary
    return FlacWalk(samples, parts, last, block)


def is_frame(data: bytes) -> bool:
    """Whether these bytes, which begin with a frame, are that frame and no more: it ends with a CRC of itself."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ CRC16[crc >> 8 ^ byte]
    return crc == 0


def _frames_begin(data: bytes, start: int) -> int:
    """Behind the blocks of metadata."""
    at, is_last = start + 4, False
    while not is_last and at + 4 <= len(data):
        is_last = bool(data[at] & 0x80)
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    return at


def _header(head: bytes) -> tuple[int, int] | None:
    """The number of a frame (of its first sample, where blocks vary) and its samples; None where this is none."""
    number_bytes = max(1, 8 - (head[4] ^ 0xFF).bit_length()) if len(head) > 4 else 9
    at = 4 + number_bytes
    code, rate_code = head[2] >> 4, head[2] & 15
    block_bytes, rate_bytes = {6: 1, 7: 2}.get(code, 0), {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    size = at + block_bytes + rate_bytes
    if (
        number_bytes > 7
        or len(head) <= size
        or rate_code == 15
        or head[3] & 1
        or _crc8(head[:size]) != head[size]
    ):
        return None
    number = head[4] if number_bytes == 1 else head[4] & (0x7F >> number_bytes)
    for byte in head[5:at]:
        number = number << 6 | byte & 0x3F
    block = BLOCK_SAMPLES.get(code) or int.from_bytes(head[at : at + block_bytes], "big") + 1
    return number, block


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = CRC8[crc ^ byte]
    return crc
