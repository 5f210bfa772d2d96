"""WAV and AIFF read as sound: judged by their data chunk (`fmt `, `COMM`), not by the size in their first bytes.

Writers that cannot seek back leave sizes of 0 or near 2^31 or 2^32; others count the header in or forget a pad byte; BW64
is RF64 under another name. Where libsndfile does not give every sample of the data chunk, the sound is handed to it once
more behind a header without flaws. `chunks_of` walks the chunks of RIFF and FORM as writers really leave them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.audio import libsndfile
from tasks.audio.content import end_of_sound
from tasks.audio.limits import AudioParams, check_claim
from tasks.audio.sound import EXACT_TOLERANCE_S, MP3_DELAY, Sound, bytes_behind, held_against, remark
from tasks.engine.song import Refused

Order = Literal["little", "big"]
HEAD_BYTES = 8
MAX_CHUNKS = 10_000


@dataclass(frozen=True)
class Chunk:
    """A chunk's name, where its body begins, and the size it states."""

    name: bytes
    begin: int
    size: int


def chunks_of(data: bytes, at: int, end: int, order: Order) -> Iterator[Chunk]:
    """The chunks from `at` on, up to bytes that are none. A body of odd size is padded, but not by everyone."""
    for _ in range(MAX_CHUNKS):
        if not _is_head(data, at, end):
            return
        chunk = Chunk(
            data[at : at + 4], at + HEAD_BYTES, int.from_bytes(data[at + 4 : at + HEAD_BYTES], order)
        )
        yield chunk
        at = chunk.begin + chunk.size
        if chunk.size & 1 and (_is_head(data, at + 1, end) or not _is_head(data, at, end)):
            at += 1


def end_of_chunks(data: bytes, at: int, end: int, order: Order) -> int:
    """Where the chunks from `at` on end: `at` where none begins; one that goes on behind `end` is none."""
    for chunk in chunks_of(data, at, end, order):
        if chunk.begin + chunk.size > end:
            break
        at = min(end, chunk.begin + chunk.size + (chunk.size & 1))
    return at


def chunk_bytes(name: bytes, body: bytes, order: Order) -> bytes:
    """A chunk as it should be."""
    return name + len(body).to_bytes(4, order) + body + b"\0" * (len(body) & 1)


def _is_head(data: bytes, at: int, end: int) -> bool:
    """Whether a chunk can begin here: four printable letters and a size."""
    return at + HEAD_BYTES <= end and all(0x20 <= byte < 0x7F for byte in data[at : at + 4])


FORMATS = ("WAV", "WAVEX", "RF64")
UNKNOWN_SIZE = 0x7FFF0000  # and above: what a pipe gets, somewhere below 2 GiB or 4 GiB
IN_DS64 = 0xFFFFFFFF
PCM_TAGS = (1, 3, 6, 7)  # integers, floats, A-law and mu-law: a frame has block_align bytes
MP3_TAG, EXTENSIBLE = 0x55, 0xFFFE


@dataclass(frozen=True)
class Wave:
    """What a WAV file states: its format, the data chunk and its size in bytes (None: not known)."""

    order: Order
    tag: int
    format: bytes
    rate: int
    channels: int
    frame_bytes: int
    begin: int
    stated_bytes: int | None

    def frames(self, num_bytes: int) -> int:
        """Samples a channel in that many bytes; 0 where frames have no size of their own."""
        return num_bytes // self.frame_bytes if self.frame_bytes else 0


def read_riff(data: bytes, start: int, limits: AudioParams | None) -> Sound:
    """All samples of a WAV file's data chunk.

    Raises:
        Refused: ``truncated``, ``not_audio``, or a limit.
    """
    end = end_of_sound(data, start)
    wave = _wave(data, start, end)
    there = end - wave.begin
    size = there if wave.stated_bytes is None else min(wave.stated_bytes, there)
    check_claim(wave.rate, wave.channels, wave.frames(size), limits)
    told = _remarks(data, start, end, wave)
    audio_CN = _decoded(data[start:] if start else data, wave, size, limits)
    if audio_CN is None:
        body = chunk_bytes(b"data", data[wave.begin : wave.begin + size], wave.order)
        body = b"WAVE" + chunk_bytes(b"fmt ", wave.format, wave.order) + body
        magic = b"RIFX" if wave.order == "big" else b"RIFF"
        audio_CN = _decoded(chunk_bytes(magic, body, wave.order), wave, size, limits)
    if audio_CN is None:
        raise Refused("not_audio", "the data chunk cannot be decoded as its chunk 'fmt ' says")
    delay_s = MP3_DELAY / wave.rate if wave.tag == MP3_TAG else None
    return Sound(audio_CN, wave.rate, tuple(told), delay_s)


def read_aiff(data: bytes, start: int, limits: AudioParams | None) -> Sound:
    """All samples of an AIFF or AIFC file, which states their number in COMM.

    Raises:
        Refused: ``truncated``, ``not_audio``, or a limit.
    """
    comm = next((c for c in chunks_of(data, start + 12, len(data), "big") if c.name == b"COMM"), None)
    audio_CN, rate, _ = libsndfile.decoded(data[start:] if start else data, ("AIFF",), limits)
    stated = 0 if comm is None else int.from_bytes(data[comm.begin + 2 : comm.begin + 6], "big")
    is_counted = comm is None or data[comm.begin + 18 : comm.begin + 22].lower() == b"ima4"  # in packets
    return Sound(
        audio_CN,
        rate,
        () if is_counted else tuple(held_against(stated, audio_CN.shape[1], rate, EXACT_TOLERANCE_S)),
    )


def _wave(data: bytes, start: int, end: int) -> Wave:
    order: Order = "big" if data[start : start + 4] == b"RIFX" else "little"
    chunks: dict[bytes, Chunk] = {}
    for chunk in chunks_of(data, start + 12, end, order):
        chunks.setdefault(chunk.name, chunk)
    fmt, sound = chunks.get(b"fmt "), chunks.get(b"data")
    if fmt is None or sound is None or fmt.size < 16:
        raise Refused("not_audio", "a WAV file needs its chunks 'fmt ' and 'data'")
    body = data[fmt.begin : fmt.begin + fmt.size]
    tag, channels, rate, frame_bytes = (
        int.from_bytes(body[at : at + size], order) for at, size in ((0, 2), (2, 2), (4, 4), (12, 2))
    )
    if tag == EXTENSIBLE:
        tag = int.from_bytes(body[24:26], order)
    size: int | None = sound.size
    if size == IN_DS64 and (ds64 := chunks.get(b"ds64")) is not None:
        size = int.from_bytes(data[ds64.begin + 8 : ds64.begin + 16], order)
        size = size if 0 < size < 1 << 63 else None
    elif sound.size >= UNKNOWN_SIZE or (size == 0 and end_of_chunks(data, sound.begin, end, order) < end):
        size = None
    return Wave(order, tag, body, rate, channels, frame_bytes if tag in PCM_TAGS else 0, sound.begin, size)


def _decoded(data: bytes, wave: Wave, size: int, limits: AudioParams | None) -> np.ndarray | None:
    """Samples [C, N] by libsndfile; None where they are not those of the data chunk."""
    found = libsndfile.tried(data, FORMATS, limits)
    if found is None:
        return None
    audio_CN, rate, _ = found
    is_whole = not wave.frame_bytes or audio_CN.shape[1] == wave.frames(size)
    return audio_CN if is_whole and rate == wave.rate else None


def _remarks(data: bytes, start: int, end: int, wave: Wave) -> list[str]:
    """What is flawed around the samples.

    Raises:
        Refused: ``truncated``: the data chunk states more than there is.
    """
    there, stated = end - wave.begin, wave.stated_bytes
    if stated is None:
        return [remark("length_unstated", f"the data chunk states no size; its {there} bytes were counted")]
    if stated > there and not wave.frame_bytes:
        raise Refused("truncated", f"{there} of {stated} bytes of the data chunk; get the whole file")
    if stated > there:
        return held_against(wave.frames(stated), wave.frames(there), wave.rate, EXACT_TOLERANCE_S)
    behind = end_of_chunks(data, wave.begin + stated + (stated & 1), end, wave.order)
    told = bytes_behind(end - behind)
    size = int.from_bytes(data[start + 4 : start + 8], wave.order) + 8
    if len(data) - start + 1 < size < UNKNOWN_SIZE:  # some writers forget the pad byte
        told.append(remark("size_misstated", f"{size} bytes are stated, {len(data) - start} are there"))
    return told
