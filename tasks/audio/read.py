"""Audio files and arrays in and out: whatever was given becomes float32 stereo at 44.1 kHz, or says why not.

Shapes: C channels, N samples.
Reasons of `Refused`: ``not_audio``, ``empty``, ``truncated``, ``too_short``, ``too_long``, ``too_large``,
``too_many_channels``, ``bad_rate``, ``not_finite``.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ
from tasks.audio.ffmpeg import Packets, container_of
from tasks.engine.song import Refused
from tasks.engine.stage import Section
from tasks.songs.files import bytes_of, song_file

BLOCK_FRAMES = 1 << 18
FORMATS = ("WAV", "WAVEX", "FLAC", "MP3", "OGG")
READ = "wav, flac, mp3, ogg, opus, m4a, aac or webm"
UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)  # what writers that cannot seek back leave in the header
SIXTEEN_BIT = 32_768.0


class AudioParams(Section):
    """Limits on a source file. All but the decoded length are checked before anything is decoded."""

    max_seconds: float
    max_bytes: int
    max_channels: int
    min_rate_hz: int
    max_rate_hz: int


@dataclass(frozen=True)
class SourceFormat:
    """What a source file was before it became 44.1 kHz stereo."""

    duration_s: float
    num_channels: int
    sample_rate_hz: int


def read_audio(path: str | Path | BinaryIO, limits: AudioParams) -> tuple[np.ndarray, SourceFormat]:
    """The mix in an audio file (see `READ`), and the format it had.

    Returns:
        mix_CN: float32 [2, N] at 44.1 kHz in [-1, 1] (a louder file is scaled down to a peak of 1).

    Raises:
        Refused: the file breaks a limit or is no whole, finite audio.
        OSError: the file cannot be opened.
    """
    if isinstance(path, str | Path):
        with Path(path).open("rb") as file:
            return _read(file, limits)
    return _read(path, limits)


def load_mix(song_audio: Mapping[str, Any], songs_root: str) -> np.ndarray:
    """The mix of an `audio` column: encoded `bytes` (a generated song) or a `path` under `songs_root`.

    The source was measured against the limits when it was ingested; they are not applied again.

    Returns:
        mix_CN: float32 [2, N] at 44.1 kHz in [-1, 1].
    """
    data = song_audio.get("bytes")
    if data is not None:
        return _read(io.BytesIO(data), None)[0]
    name = song_audio.get("path")
    if not name:
        raise Refused("not_audio", "the audio column holds neither bytes nor a path")
    return _read(io.BytesIO(bytes_of(song_file(songs_root, name))), None)[0]


def flac_bytes(audio_CN: np.ndarray, rate: int) -> bytes:
    """A 16-bit FLAC file of [C, N] or [N] samples; equal samples give equal bytes. Peaks are clipped at 1."""
    audio_CN = np.atleast_2d(audio_CN)
    if not np.isfinite(audio_CN).all():
        raise Refused("not_finite", "audio to be written holds NaN or infinite samples")
    steps_CN = np.clip(np.rint(audio_CN * SIXTEEN_BIT), -SIXTEEN_BIT, SIXTEEN_BIT - 1).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, steps_CN.T, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def read_bytes(data: bytes) -> tuple[np.ndarray, int]:
    """The samples of an encoded file as they are, float32 [C, N], and their rate in Hz."""
    audio_CN, source = _decode(io.BytesIO(data), None)
    return audio_CN, source.sample_rate_hz


def npy_bytes(array: np.ndarray) -> bytes:
    """The array as the bytes of an .npy file (format 1.0, C order)."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return file.getvalue()


def array_of(data: bytes) -> np.ndarray:
    """The array in the bytes of an .npy file; pickled objects are refused with a ValueError."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("expected one .npy array, got an archive of arrays")
    return array


def as_mix(audio_CN: np.ndarray, rate: int) -> np.ndarray:
    """Samples of any rate and number of channels as a mix: float32 [2, N], 44.1 kHz, in [-1, 1].

    Mono goes to both sides. Beyond stereo, channels 0 and 1 stay left and right and the others are added
    to both 3 dB lower, scaled so that the gains of a side sum to one.
    """
    if len(audio_CN) == 1:
        audio_CN = np.repeat(audio_CN, 2, axis=0)
    elif len(audio_CN) > 2:
        rest_N = audio_CN[2:].sum(axis=0) * np.sqrt(0.5)
        audio_CN = (audio_CN[:2] + rest_N) / (1 + (len(audio_CN) - 2) * np.sqrt(0.5))
    if rate != SAMPLE_RATE_HZ:
        audio_CN = soxr.resample(audio_CN.T, rate, SAMPLE_RATE_HZ, quality="HQ").T
    peak = float(np.abs(audio_CN).max(initial=0.0))
    return np.ascontiguousarray(audio_CN / max(peak, 1.0), dtype=np.float32)


def _read(file: BinaryIO, limits: AudioParams | None) -> tuple[np.ndarray, SourceFormat]:
    """`_decode`, then the mix, which must fill at least one latent frame."""
    audio_CN, source = _decode(file, limits)
    if source.duration_s * SAMPLE_RATE_HZ < HOP_SAMPLES:
        raise Refused(
            "too_short",
            f"{source.duration_s:.4f} s, a song needs one latent frame ({HOP_SAMPLES / SAMPLE_RATE_HZ:.4f} s)",
        )
    return as_mix(audio_CN, source.sample_rate_hz), source


def _decode(file: BinaryIO, limits: AudioParams | None) -> tuple[np.ndarray, SourceFormat]:
    """All samples of an open file, float32 [C, N]; the header is held against the limits first."""
    num_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    if num_bytes == 0:
        raise Refused("empty", "the file has no bytes")
    if limits is not None and num_bytes > limits.max_bytes:
        raise Refused(
            "too_large", f"{num_bytes} bytes, max_bytes is {limits.max_bytes}; cut or compress the file"
        )
    if container := container_of(file):
        with Packets(file, container, num_bytes) as packets:
            _check_limits(packets, limits)
            audio_CN = _gathered(packets.blocks(), packets, limits)
            rate = packets.samplerate
    else:
        audio_CN, rate = _decode_with_libsndfile(file, num_bytes, limits)
    if audio_CN.shape[1] == 0:
        raise Refused("empty", "the file holds no samples")
    if not np.isfinite(audio_CN).all():
        raise Refused("not_finite", "the file holds NaN or infinite samples")
    return audio_CN, SourceFormat(audio_CN.shape[1] / rate, len(audio_CN), rate)


def _decode_with_libsndfile(
    file: BinaryIO, num_bytes: int, limits: AudioParams | None
) -> tuple[np.ndarray, int]:
    """Samples [C, N] and their rate in Hz of a wav, flac, mp3, ogg or opus file."""
    file.seek(0)
    riff = file.read(12)
    file.seek(0)
    try:
        with soundfile.SoundFile(file) as source:
            _check_header(source, riff, num_bytes)
            _check_limits(source, limits)
            audio_CN = _gathered(_blocks(source), source, limits)
            if source.format == "FLAC" and source.frames > audio_CN.shape[1]:
                raise Refused("truncated", f"{audio_CN.shape[1]} of {source.frames} samples could be decoded")
            return audio_CN, int(source.samplerate)
    except soundfile.LibsndfileError as error:
        raise Refused("not_audio", f"{error.error_string}; give {READ}") from None


def _check_header(source: soundfile.SoundFile, riff: bytes, num_bytes: int) -> None:
    """Refuses another format, a rate of zero and a RIFF file cut short."""
    if source.format not in FORMATS:
        raise Refused("not_audio", f"format {source.format} is not read; give {READ}")
    if source.samplerate <= 0:
        raise Refused("bad_rate", f"{source.samplerate} Hz")
    if riff[:4] == b"RIFF":
        claimed = int.from_bytes(riff[4:8], "little")
        if (
            claimed not in UNKNOWN_RIFF_SIZES and claimed + 8 > num_bytes + 1
        ):  # some writers forget the pad byte
            raise Refused("truncated", f"{num_bytes} bytes, the header says {claimed + 8}")


def _check_limits(source: soundfile.SoundFile | Packets, limits: AudioParams | None) -> None:
    """Refuses by what the file claims, so that no hostile one is decoded."""
    if limits is None:
        return
    if not limits.min_rate_hz <= source.samplerate <= limits.max_rate_hz:
        raise Refused(
            "bad_rate",
            f"{source.samplerate} Hz, allowed {limits.min_rate_hz} to {limits.max_rate_hz}; resample the file",
        )
    if source.channels > limits.max_channels:
        raise Refused(
            "too_many_channels", f"{source.channels}, max_channels is {limits.max_channels}; mix it down"
        )
    if source.frames > limits.max_seconds * source.samplerate:
        raise Refused(
            "too_long",
            f"{source.frames / source.samplerate:.1f} s, max_seconds is {limits.max_seconds}; cut the song",
        )


def _blocks(source: soundfile.SoundFile) -> Iterator[np.ndarray]:
    while len(block_NC := source.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        yield block_NC


def _gathered(
    blocks: Iterable[np.ndarray], source: soundfile.SoundFile | Packets, limits: AudioParams | None
) -> np.ndarray:
    """Samples [C, N] of blocks [n, C], counted as they come, so that a file that lies cannot fill the memory."""
    max_frames = None if limits is None else int(limits.max_seconds * source.samplerate)
    gathered, num_frames = [np.zeros((0, source.channels), np.float32)], 0
    for block_NC in blocks:
        gathered.append(block_NC)
        num_frames += len(block_NC)
        if max_frames is not None and num_frames > max_frames:
            raise Refused("too_long", f"over {max_frames} samples, more than the header says; cut the song")
    return np.ascontiguousarray(np.concatenate(gathered).T)
