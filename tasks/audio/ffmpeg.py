"""Audio that libsndfile does not read (m4a, aac, webm), through the FFmpeg libraries bundled with PyAV.

The container is known by its first bytes and only its demuxer is tried, on the open file alone: no address,
no playlist and no second file is ever followed. Only the codecs below are opened, so a video track is never
decoded. Delays that the container states are skipped by FFmpeg. What it does not state stays: raw AAC begins with
the encoder's delay (1024 samples from FFmpeg's own), and AAC in m4a may end with up to a frame of padding.

Shapes: C channels, N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np

from tasks.engine.song import Refused

MOV, MATROSKA, ADTS = "mov", "matroska", "aac"
CODECS = "aac,alac,opus,vorbis"
MAX_FRAME_SAMPLES = 1 << 16  # a packet's; the longest these codecs need is 8192
FULL_SCALE = {"int16": 2.0**15, "int32": 2.0**31}
CUT_TOLERANCE_S = 0.5
MAX_PARTS = 100_000  # of a file in fragments, looked at to see whether it is whole
BOXES = (b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"sidx", b"styp", b"mfra", b"uuid")
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def container_of(file: BinaryIO) -> str | None:
    """The demuxer for a file's first bytes, or None for a file that is libsndfile's to read or refuse."""
    file.seek(0)
    head = file.read(8)
    if head[4:8] == b"ftyp":
        return MOV
    if head[:4] == EBML:
        return MATROSKA
    file.seek(_after_id3(file))
    return ADTS if _is_adts(file.read(2)) else None


class Packets:
    """The first audio stream of an open file; `channels`, `samplerate` and `frames` as libsndfile names them.

    `frames` is what the container claims, 0 where it claims nothing. Use it as a context manager.
    """

    def __init__(self, file: BinaryIO, container: str, num_bytes: int) -> None:
        """Opens the container and decodes one packet, since some streams state their rate only there.

        Raises:
            Refused: ``truncated``, ``not_audio`` or ``empty``.
        """
        end = _stated_end(file, container, num_bytes)
        if end > num_bytes:
            raise Refused("truncated", f"{num_bytes} bytes, the container says {end}")
        file.seek(0)
        options = {"codec_whitelist": CODECS, "max_samples": str(MAX_FRAME_SAMPLES)}
        try:
            self._input = av.open(file, "r", format=container, options=options, metadata_errors="replace")
        except av.FFmpegError as error:
            raise _unreadable(error) from None
        try:
            self._start(container)
        except BaseException:
            self._input.close()
            raise

    def __enter__(self) -> Packets:
        return self

    def __exit__(self, *error: object) -> None:
        self._input.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Samples [n, C] a packet, float32.

        Raises:
            Refused: ``truncated`` or ``not_audio``: cut short, damaged, or of changing rate or channels.
        """
        num_samples = 0
        block_CN: np.ndarray | None = self._first_CN
        while block_CN is not None:
            num_samples += block_CN.shape[1]
            yield block_CN.T
            block_CN = self._next_block()
        if num_samples + CUT_TOLERANCE_S * self.samplerate < self._own_frames:
            raise Refused("truncated", f"{num_samples} of {self._own_frames} samples could be decoded")

    def _start(self, container: str) -> None:
        if not self._input.streams.audio:
            raise Refused("not_audio", "the file holds no audio stream")
        stream = self._input.streams.audio[0]
        if stream.codec_context is None or stream.codec_context.name not in CODECS.split(","):
            raise Refused("not_audio", f"the first audio stream is none of {CODECS}")
        stream.codec_context.options = {"max_samples": str(MAX_FRAME_SAMPLES)}
        self._frames = self._decoded(stream)
        self.samplerate, self.channels = 0, 0
        self._first_CN = self._next_block()
        if self._first_CN is None:
            reason = "not_audio" if container == ADTS else "empty"  # raw AAC has no header to believe
            raise Refused(reason, "the file holds no samples")
        self._own_frames, self.frames = 0, 0  # raw AAC claims no length, FFmpeg guesses one
        if container == MOV and stream.duration and stream.time_base:
            self._own_frames = self.frames = int(stream.duration * stream.time_base * self.samplerate)
        elif container == MATROSKA and self._input.duration:  # of the longest stream, video included
            self.frames = int(self._input.duration / av.time_base * self.samplerate)

    def _next_block(self) -> np.ndarray | None:
        try:
            frame = next(self._frames, None)
        except av.FFmpegError as error:
            raise _unreadable(error) from None
        if frame is None:
            return None
        block_CN = _samples_CN(frame)
        if not self.samplerate:
            self.samplerate, self.channels = frame.sample_rate, len(block_CN)
        if (frame.sample_rate, len(block_CN)) != (self.samplerate, self.channels):
            raise Refused("not_audio", "rate or channels change inside the stream; encode the file again")
        return block_CN

    def _decoded(self, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
        for packet in self._input.demux(stream):
            if packet.is_corrupt:
                raise Refused("truncated", "the last packet is not whole")
            yield from packet.decode()


def _samples_CN(frame: av.AudioFrame) -> np.ndarray:
    """A frame's samples, float32 [C, n] in [-1, 1]."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, len(frame.layout.channels)).T
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    return (array / FULL_SCALE[array.dtype.name]).astype(np.float32)


def _stated_end(file: BinaryIO, container: str, num_bytes: int) -> int:
    """Where the parts of a container say it ends: beyond `num_bytes` for a file cut short."""
    if container == MATROSKA:
        return _end_of_matroska(file)
    end, part = (0, _box_size) if container == MOV else (_after_id3(file), _adts_size)
    for _ in range(MAX_PARTS):
        file.seek(end)
        size = part(file.read(16))
        if not size or end >= num_bytes:
            break
        end += size
    return end


def _box_size(head: bytes) -> int:
    """Size of a box of an m4a file; 0 for one that goes on to the end or is none of those that matter."""
    if len(head) < 8 or head[4:8] not in BOXES:
        return 0
    size = int.from_bytes(head[:4], "big")
    return int.from_bytes(head[8:16], "big") if size == 1 else size


def _adts_size(head: bytes) -> int:
    """Size of a frame of raw AAC; 0 behind the last one."""
    if len(head) < 7 or not _is_adts(head):
        return 0
    return (head[3] & 0x03) << 11 | head[4] << 3 | head[5] >> 5


def _end_of_matroska(file: BinaryIO) -> int:
    """Behind its two outermost elements; what has no size (a live recording) ends nowhere."""
    end = 0
    for name in (EBML, SEGMENT):
        file.seek(end)
        head = file.read(12)
        if head[:4] != name or len(head) < 12 or not head[4]:
            break
        length = 9 - head[4].bit_length()
        unknown = (1 << 7 * length) - 1
        size = int.from_bytes(head[4 : 4 + length], "big") & unknown
        if size == unknown:
            break
        end += 4 + length + size
    return end


def _is_adts(head: bytes) -> bool:
    """Whether a frame of raw AAC begins here; MP3 has the same first bits but another layer than 00."""
    return len(head) >= 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _after_id3(file: BinaryIO) -> int:
    """Where the sound begins behind an ID3 tag, which stands before MP3 and seldom before AAC; 0 without one."""
    file.seek(0)
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def _unreadable(error: av.FFmpegError) -> Refused:
    return Refused(
        "not_audio", f"{error.strerror}; the file is damaged or of another format than its first bytes say"
    )
