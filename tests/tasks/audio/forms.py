"""The same song in every form of file that is read, and where in a file its sound begins."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping

import av
import numpy as np
import soundfile

RATE_HZ, SECONDS = 44_100, 1.5
DTYPES = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32}
SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def song(rate: int = RATE_HZ, seconds: float = SECONDS, first: int = 0) -> np.ndarray:
    """Plucked tones, each of its own pitch, float32 [2, N]; `first` chooses which."""
    time_N = np.arange(round(seconds * rate)) / rate
    audio_N = np.zeros(len(time_N))
    for number in range(round(seconds * 5)):
        since_N = np.maximum(time_N - 0.1 - 0.2 * number, 0)
        audio_N += 0.5 * np.sin(2 * np.pi * (500 + 170 * (number + first)) * since_N) * np.exp(-40 * since_N)
    return np.stack([audio_N, 0.8 * audio_N]).astype(np.float32)


def late_s(heard_CN: np.ndarray, rate: int = RATE_HZ, first: int = 0) -> float:
    """How much later the song begins in these samples, by the best match of all of it."""
    wanted_N, heard_N = song(rate, first=first)[0], heard_CN[0]
    size = 1 << (len(wanted_N) + len(heard_N)).bit_length()
    match_N = np.fft.irfft(np.fft.rfft(heard_N, size) * np.conj(np.fft.rfft(wanted_N, size)))
    lag = int(match_N.argmax())
    return (lag if lag < size // 2 else lag - size) / rate


def muxed(
    muxer: str,
    codec: str,
    rate: int = RATE_HZ,
    *,
    audio_CN: np.ndarray | None = None,
    options: Mapping[str, str] | None = None,
    starts_s: float = 0.0,
    hole: tuple[float, float] | None = None,
    picture: str | None = None,
) -> bytes:
    """The song as FFmpeg's muxers write it; `hole`: sound from (this second) on is stamped (so much) later."""
    file, audio_CN = io.BytesIO(), song(rate) if audio_CN is None else audio_CN
    with av.open(file, "w", format=muxer, options=dict(options or {})) as output:
        sound = output.add_stream(codec, rate=rate, layout="stereo")
        if codec.startswith("wma"):
            sound.bit_rate = 128_000
        if codec == "vorbis":
            sound.codec_context.options = {"strict": "experimental"}
        if picture:
            _film(output, picture)
        form, packets = sound.codec_context.format, []
        name = form.name.removesuffix("p")
        for start in range(0, audio_CN.shape[1], 1024):
            block_CN = audio_CN[:, start : start + 1024]
            if name != "flt":
                block_CN = block_CN * (2.0 ** (form.bits - 1) - 1) + (128 if name == "u8" else 0)
            block = block_CN if form.is_planar else block_CN.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(block.astype(DTYPES[name])), form.name, "stereo"
            )
            frame.sample_rate, frame.pts = rate, start + round(starts_s * rate)
            packets += sound.encode(frame)
        for packet in packets + list(sound.encode()):
            if hole and packet.pts * packet.time_base >= hole[0] + starts_s:
                later = round(hole[1] / packet.time_base)
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
            output.mux(packet)
    return file.getvalue()


def _film(output: av.container.OutputContainer, codec: str) -> None:
    picture = output.add_stream(codec, rate=25)
    picture.width = picture.height = 64
    picture.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    for number in range(1 if codec == "mjpeg" else 20):
        image = av.VideoFrame(64, 64, picture.pix_fmt)
        image.pts = number
        output.mux(picture.encode(image))
    output.mux(picture.encode())


def plain(kind: str, subtype: str | None = None, rate: int = RATE_HZ, **options: object) -> bytes:
    """The song as libsndfile writes it."""
    file = io.BytesIO()
    soundfile.write(file, song(rate).T, rate, format=kind, subtype=subtype, **options)
    return file.getvalue()


def vbr() -> bytes:
    """An MP3 file of variable rate, which begins with a Xing header that is right."""
    return plain("MP3", "MPEG_LAYER_III", bitrate_mode="VARIABLE")


def without_header(mp3: bytes) -> bytes:
    """The same MP3 file without its first frame, the Xing header (417 bytes at 128 kbit/s and 44.1 kHz)."""
    return mp3[417:]


def with_frames(mp3: bytes, frames: int) -> bytes:
    """The same MP3 file whose Xing header states this many frames."""
    at = max(mp3.find(b"Xing"), mp3.find(b"Info")) + 8
    return mp3[:at] + frames.to_bytes(4, "big") + mp3[at + 4 :]


def id3(size: int) -> bytes:
    """An ID3v2 tag with so many bytes in it."""
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


def flac_of_unknown_length() -> bytes:
    """A FLAC file as an encoder leaves it that wrote to a pipe."""
    flac = bytearray(plain("FLAC"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    return bytes(flac)


def pcm(bits: int = 16) -> bytes:
    """The song's samples in 16 or 24 bits, little endian, left and right in turn."""
    steps_NC = np.ascontiguousarray(np.rint(song().T * (2 ** (bits - 1) - 1)), "<i4")
    return steps_NC.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()


def wav(
    data: bytes | None = None,
    *,
    magic: bytes = b"RIFF",
    size: int | None = None,
    riff: int | None = None,
    before: bytes = b"",
    behind: bytes = b"",
    bits: int = 16,
    extensible: bool = False,
) -> bytes:
    """A WAV file, byte by byte: `size` of the data chunk and `riff` of the whole as they shall be stated."""
    data = pcm(bits) if data is None else data
    frame = 2 * bits // 8
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else 1, 2, RATE_HZ, RATE_HZ * frame, frame, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 3, 1) + SUBFORMAT_TAIL
    body = b"WAVE" + before + chunk(b"fmt ", form) + b"data"
    body += struct.pack("<I", len(data) if size is None else size) + data + behind
    return magic + struct.pack("<I", len(body) if riff is None else riff) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body


def wav64(magic: bytes) -> bytes:
    """RF64 and BW64: the sizes stand in a chunk of their own."""
    data = pcm()
    sizes = struct.pack("<QQQI", len(data) + 72, len(data), len(data) // 4, 0)
    return wav(data, magic=magic, size=0xFFFFFFFF, riff=0xFFFFFFFF, before=chunk(b"ds64", sizes))


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
FORMS: dict[str, tuple[Callable[[], bytes], float]] = {  # as docs/formats.md has them, and the delay in ms
    "WAV, 8 bits": (lambda: plain("WAV", "PCM_U8"), 0),
    "WAV, 16 bits": (lambda: wav(), 0),
    "WAV, 24 bits": (lambda: wav(bits=24), 0),
    "WAV, floats": (lambda: plain("WAV", "FLOAT"), 0),
    "WAV, extensible": (lambda: wav(extensible=True), 0),
    "WAV, mu-law": (lambda: plain("WAV", "ULAW"), 0),
    "WAV from a pipe": (lambda: wav(size=0xFFFFFFFF, riff=0xFFFFFFFF), 0),
    "WAV that holds MP3": (lambda: muxed("wav", "libmp3lame"), 25.06),
    "RF64": (lambda: wav64(b"RF64"), 0),
    "BW64": (lambda: wav64(b"BW64"), 0),
    "W64": (lambda: muxed("w64", "pcm_s16le"), 0),
    "AIFF": (lambda: muxed("aiff", "pcm_s16be"), 0),
    "AIFC, sowt": (lambda: muxed("aiff", "pcm_s16le"), 0),
    "CAF": (lambda: muxed("caf", "pcm_s16le"), 0),
    "FLAC": (lambda: plain("FLAC"), 0),
    "FLAC of unknown length": (flac_of_unknown_length, 0),
    "MP3, constant rate": (lambda: plain("MP3"), 0),
    "MP3, variable rate": (vbr, 0),
    "MP3 at 48 kHz": (lambda: muxed("mp3", "libmp3lame", 48_000), 0),
    "MP3 with a large cover": (lambda: id3(3 << 20) + vbr(), 0),
    "MP3, Xing of 0 frames": (lambda: with_frames(vbr(), 0), 0),
    "MP3, constant rate, no header": (lambda: muxed("mp3", "libmp3lame", options={"write_xing": "0"}), 25.06),
    "MP3, variable rate, no header": (lambda: without_header(vbr()), 25.06),
    "Ogg Vorbis": (lambda: plain("OGG", "VORBIS"), 0),
    "Ogg Opus": (lambda: muxed("ogg", "libopus", 48_000), 0),
    "Ogg FLAC": (lambda: muxed("ogg", "flac"), 0),
    "M4A, AAC": (lambda: muxed("ipod", "aac"), 0),
    "M4A, ALAC": (lambda: muxed("ipod", "alac"), 0),
    "M4A in fragments": (lambda: muxed("mp4", "aac", options=FRAGMENTS), 23.22),
    "M4A with a cover": (lambda: muxed("mp4", "aac", picture="mjpeg"), 0),
    "MP4, a film": (lambda: muxed("mp4", "aac", picture="mpeg4"), 0),
    "MP4, Opus": (lambda: muxed("mp4", "libopus", 48_000), 0),
    "MP4, MP3": (lambda: muxed("mp4", "libmp3lame"), 0),
    "MP4, FLAC": (lambda: muxed("mp4", "flac"), 0),
    "MOV, PCM": (lambda: muxed("mov", "pcm_s16le"), 0),
    "AAC, raw": (lambda: muxed("adts", "aac"), 23.22),
    "Matroska, AAC": (lambda: muxed("matroska", "aac"), 0),
    "Matroska, MP3": (lambda: muxed("matroska", "libmp3lame"), 0),
    "Matroska, FLAC": (lambda: muxed("matroska", "flac"), 0),
    "Matroska, Vorbis": (lambda: muxed("matroska", "vorbis"), 0),
    "Matroska, PCM": (lambda: muxed("matroska", "pcm_s16le"), 0),
    "WebM, Opus": (lambda: muxed("webm", "libopus", 48_000), 0),
    "WebM, a film": (lambda: muxed("webm", "libopus", 48_000, picture="libvpx"), 0),
    "WMA": (lambda: muxed("asf", "wmav2"), 46.44),
}
