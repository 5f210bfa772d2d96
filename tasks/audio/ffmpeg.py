"""Audio that libsndfile does not read, or not rightly, through the FFmpeg libraries bundled with PyAV: packets, frames, delay and padding of a stream.

Only the demuxer of the file's form is tried, on its bytes alone: no address, no playlist and no second file is ever
followed. Only the codecs below are opened, so a video track is never decoded. Delays that the container states are
skipped by FFmpeg. What it does not state stays, and is told: AAC and WMA begin with a frame of their encoder's.

Shapes: C channels, N samples.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from tasks.audio.container_end import stated_end
from tasks.audio.content import Form, end_of_sound
from tasks.audio.limits import AudioParams, check_claim, gathered
from tasks.audio.sound import (
    CUT_TOLERANCE_S,
    FRAMES_TOLERANCE_S,
    MP3_DELAY,
    Sound,
    bytes_behind,
    held_against,
    remark,
)
from tasks.audio.stamps import Clock
from tasks.engine.song import Refused

CODECS = (
    *("aac", "alac", "opus", "vorbis", "flac", "mp3float", "wmav1", "wmav2", "wmapro", "wmalossless"),
    *("pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le"),
    *("pcm_f32be", "pcm_f64le"),
)
MAX_FRAME_SAMPLES = 1 << 16  # a packet's; the longest of these codecs is FLAC's
FULL_SCALE = {"uint8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}
STAMPED = ("mov", "matroska", "asf", "ogg")
MAX_DAMAGED = 20  # packets; about half a second
UNSTATED_SAMPLES = {"mp3float": MP3_DELAY}
ONE_FRAME_UNSTATED = ("aac", "wmav1", "wmav2", "wmapro")


def read_container(data: bytes, form: Form, limits: AudioParams | None) -> Sound:
    """The first audio stream of a file, on its player's clock.

    Raises:
        Refused: ``truncated``, ``not_audio``, ``empty``, ``hole_in_stamps``, or a limit.
    """
    end = stated_end(data, form)
    if end > len(data):
        raise Refused("truncated", f"{len(data)} bytes, the container says {end}; get the whole file")
    with Packets(data, form) as packets:
        rate = packets.rate
        check_claim(rate, packets.channels, packets.claim, limits)
        clock = Clock(rate, packets.origin_s)
        blocks = clock.laid(packets.blocks())
        audio_CN = gathered(blocks, rate, packets.channels, limits)
        told = clock.remarks() + packets.remarks()
        missing = packets.stated - audio_CN.shape[1]
        if missing > FRAMES_TOLERANCE_S * rate:  # by less where delays and padding are counted in
            told += held_against(packets.stated, audio_CN.shape[1], rate, CUT_TOLERANCE_S)
        if form == "aac":
            told += bytes_behind(end_of_sound(data, 0) - end)
        return Sound(audio_CN, rate, tuple(told), packets.unstated_delay_s)


class Packets:
    """The first audio stream of a file's bytes. Use it as a context manager.

    `claim`: samples a channel that the container claims, 0 where it claims nothing; `stated`: the same, where it is
    claimed of this very stream. `origin_s`: the stamp that is 0 for a player.
    """

    rate: int
    channels: int
    claim: int
    stated: int
    origin_s: Fraction | None
    unstated_delay_s: float | None

    def __init__(self, data: bytes, form: Form) -> None:
        """Opens the container and decodes one packet, since some streams state their rate only there.

        Raises:
            Refused: ``truncated``, ``not_audio`` or ``empty``.
        """
        options = {"codec_whitelist": ",".join(CODECS), "max_samples": str(MAX_FRAME_SAMPLES)}
        self.form, self.num_damaged = form, 0
        try:
            self._input = av.open(
                io.BytesIO(data), "r", format=form, options=options, metadata_errors="replace"
            )
        except av.FFmpegError as error:
            raise unreadable(error) from None
        try:
            self._start(data)
        except BaseException:
            self._input.close()
            raise

    def __enter__(self) -> Packets:
        return self

    def __exit__(self, *error: object) -> None:
        self._input.close()

    def blocks(self) -> Iterator[tuple[np.ndarray, Fraction | None]]:
        """Samples [n, C] a packet, float32, each with the stamp of its first in s, where stamps are kept.

        Raises:
            Refused: ``truncated`` or ``not_audio``: cut short, damaged, or of changing rate or channels.
        """
        following = self._first
        while following is not None:
            packet, frame = following
            block_CN = _samples_CN(frame)
            if (frame.sample_rate, len(block_CN)) != (self.rate, self.channels):
                raise Refused("not_audio", "rate or channels change inside the stream; encode the file again")
            yield block_CN.T, self._stamp_s(packet, frame)
            following = self._next_frame()

    def remarks(self) -> list[str]:
        """What could not be decoded, after all of it was read."""
        if not self.num_damaged:
            return []
        return [remark("frames_damaged", f"{self.num_damaged} packets could not be decoded and are silence")]

    def _start(self, data: bytes) -> None:
        if not self._input.streams.audio:
            raise Refused("not_audio", "the file holds no audio stream")
        stream = self._input.streams.audio[0]
        codec = None if stream.codec_context is None else stream.codec_context.name
        if codec not in CODECS:
            raise Refused("not_audio", f"the first audio stream is none of {', '.join(CODECS)}")
        stream.codec_context.options = {"max_samples": str(MAX_FRAME_SAMPLES)}
        self._first_packet: av.Packet | None = None
        self._frames = self._decoded(stream)
        self._first = self._next_frame()
        if self._first is None or self._first_packet is None:
            reason = "not_audio" if self.form == "aac" else "empty"  # raw AAC has no header to believe
            raise Refused(reason, "the file holds no samples")
        _, frame = self._first
        self.rate, self.channels = frame.sample_rate, len(frame.layout.channels)
        self.origin_s = self._origin_s(self._first_packet)
        self.unstated_delay_s = self._unstated_delay_s(codec, self._first_packet, frame.samples, data)
        self.claim = self.stated = 0  # raw AAC claims no length, FFmpeg guesses one
        if self.form in ("mov", "caf", "w64") and stream.duration and stream.time_base:
            self.claim = self.stated = int(stream.duration * stream.time_base * self.rate)
        elif (
            self.form in ("matroska", "asf") and self._input.duration
        ):  # of the longest stream, video included
            self.claim = int(self._input.duration / av.time_base * self.rate)
            if self.form == "matroska" and len(self._input.streams) == 1:
                self.stated = self.claim

    def _origin_s(self, packet: av.Packet) -> Fraction | None:
        """Films and Matroska have a clock of their own; the others begin with their first packet."""
        if self.form in ("mov", "matroska"):
            return Fraction(0)
        if self.form == "asf" and packet.pts is not None and packet.time_base is not None:
            return packet.pts * packet.time_base
        return None

    def _stamp_s(self, packet: av.Packet, frame: av.AudioFrame) -> Fraction | None:
        """Of a frame's first sample. Raw streams have no stamps but those that FFmpeg counts for them."""
        if self.form in ("aac", "flac", "caf", "w64") or frame.pts is None or frame.time_base is None:
            return None
        if packet.pts is not None and packet.time_base and packet.has_sidedata("skip_samples"):
            skipped = int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")
            if skipped:  # FFmpeg rounds this sum to the container's grid
                return packet.pts * packet.time_base + Fraction(skipped, self.rate)
        return frame.pts * frame.time_base

    def _unstated_delay_s(
        self, codec: str, packet: av.Packet, frame_samples: int, data: bytes
    ) -> float | None:
        if packet.has_sidedata("skip_samples") or (self.form == "mov" and b"elst" in data):
            return None
        samples = frame_samples if codec in ONE_FRAME_UNSTATED else UNSTATED_SAMPLES.get(codec)
        return samples / self.rate if samples else None

    def _next_frame(self) -> tuple[av.Packet, av.AudioFrame] | None:
        try:
            return next(self._frames, None)
        except av.FFmpegError as error:
            raise unreadable(error) from None

    def _decoded(self, stream: av.AudioStream) -> Iterator[tuple[av.Packet, av.AudioFrame]]:
        for packet in self._input.demux(stream):
            if packet.is_corrupt:
                raise Refused("truncated", "the last packet is not whole; get the whole file")
            self._first_packet = self._first_packet or packet
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self.num_damaged += 1
                if self.form not in STAMPED or self.num_damaged > MAX_DAMAGED:
                    raise
                continue  # what it held is silence, by the stamp of the next
            yield from ((packet, frame) for frame in frames)


def _samples_CN(frame: av.AudioFrame) -> np.ndarray:
    """A frame's samples, float32 [C, n] in [-1, 1]."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, len(frame.layout.channels)).T
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    scale = FULL_SCALE[array.dtype.name]
    return ((array - (scale if array.dtype.kind == "u" else 0.0)) / scale).astype(np.float32)


def unreadable(error: av.FFmpegError) -> Refused:
    """What FFmpeg says of a file, as a refusal."""
    return Refused(
        "not_audio", f"{error.strerror}; the file is damaged or of another format than its first bytes say"
    )
