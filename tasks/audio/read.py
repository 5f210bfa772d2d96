"""Audio files and arrays in and out: whatever was given becomes float32 stereo at 44.1 kHz (`read_audio`), or says why not; FLAC and .npy bytes.

What a file is is seen from its bytes (`content`); each form has a module that reads every sample that is there.

Shapes: C channels, N samples.
Reasons of `Refused`: ``not_audio``, ``empty``, ``truncated``, ``hole_in_stamps``, ``too_short``, ``too_long``,
``too_large``, ``too_many_channels``, ``bad_rate``, ``not_finite``.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ
from tasks.audio.content import begin_of_sound, form_of
from tasks.audio.flac import read_flac
from tasks.audio.limits import AudioParams, check_size
from tasks.audio.mpeg import read_mpeg
from tasks.audio.ogg import read_ogg
from tasks.audio.riff import read_aiff, read_riff
from tasks.audio.sound import Sound
from tasks.engine.song import Refused
from tasks.songs.files import bytes_of, song_file
from tasks.storage.audio_cache import CACHE

READ = "wav, aiff, flac, mp3, ogg, opus, m4a or mp4, aac, mka or webm, or wma"
READERS: Mapping[str, Callable[[bytes, int, AudioParams | None], Sound]] = {
    "riff": read_riff,
    "aiff": read_aiff,
    "flac": read_flac,
    "mpeg": read_mpeg,
    "ogg": read_ogg,
}
SIXTEEN_BIT = 32_768.0


@dataclass(frozen=True)
class SourceFormat:
    """What a source file was before it became 44.1 kHz stereo, and what `Sound` says of it."""

    duration_s: float
    num_channels: int
    sample_rate_hz: int
    unstated_delay_s: float | None = None
    remarks: tuple[str, ...] = ()


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
            return read_audio(file, limits)
    num_bytes = path.seek(0, os.SEEK_END)
    check_size(num_bytes, limits)
    path.seek(0)
    return _read(path.read(num_bytes), limits)


def load_mix(song_audio: Mapping[str, Any], songs_root: str, content_hash: str = "") -> np.ndarray:
    """The mix of an `audio` column: encoded `bytes` (a generated song) or a `path` under `songs_root`.

    The source was measured against the limits when it was ingested; they are not applied again. What this process has
    decoded already may come from its cache, by `content_hash`, the sha256 of the file; "" where it is not known.

    Returns:
        mix_CN: float32 [2, N] at 44.1 kHz in [-1, 1], not to be written to.
    """
    data = song_audio.get("bytes")
    if data is not None:
        content_hash = _hash(data)
    if content_hash and (known_CN := CACHE.get(content_hash)) is not None:
        return known_CN
    if data is None:
        name = song_audio.get("path")
        if not name:
            raise Refused("not_audio", "the audio column holds neither bytes nor a path")
        CACHE.reads += 1
        data = bytes_of(song_file(songs_root, name))
    mix_CN = _read(data, None)[0]
    if content_hash and content_hash == _hash(data):  # the file may have changed since it was listed
        CACHE.keep(content_hash, mix_CN)
    return mix_CN


def flac_bytes(audio_CN: np.ndarray, rate: int) -> bytes:
    """A 16-bit FLAC file of [C, N] or [N] samples; equal samples give equal bytes. Peaks are clipped at 1."""
    audio_CN = np.atleast_2d(audio_CN)
    if not np.isfinite(audio_CN).all():
        raise Refused("not_finite", "audio to be written holds NaN or infinite samples")
    steps_CN = np.clip(np.rint(audio_CN * SIXTEEN_BIT), -SIXTEEN_BIT, SIXTEEN_BIT - 1).astype(np.int16)
    return sound_file(steps_CN, rate, "FLAC", "PCM_16")


def sound_file(audio_CN: np.ndarray, rate: int, kind: str, subtype: str) -> bytes:
    """Samples [C, N] as a file of a kind that libsndfile writes."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, audio_CN.T, rate, format=kind, subtype=subtype)
    return file.getvalue()


def read_bytes(data: bytes) -> tuple[np.ndarray, int]:
    """The samples of an encoded file as they are, float32 [C, N], and their rate in Hz."""
    sound = _decode(data, None)
    return sound.audio_CN, sound.rate


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
        import soxr

        audio_CN = soxr.resample(audio_CN.T, rate, SAMPLE_RATE_HZ, quality="HQ").T
    peak = float(np.abs(audio_CN).max(initial=0.0))
    return np.ascontiguousarray(audio_CN / max(peak, 1.0), dtype=np.float32)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if CACHE.max_bytes else ""


def _read(data: bytes, limits: AudioParams | None) -> tuple[np.ndarray, SourceFormat]:
    """`_decode`, then the mix, which must fill at least one latent frame."""
    CACHE.decodes += 1
    sound = _decode(data, limits)
    duration_s = sound.audio_CN.shape[1] / sound.rate
    if duration_s * SAMPLE_RATE_HZ < HOP_SAMPLES:
        raise Refused(
            "too_short",
            f"{duration_s:.4f} s, a song needs one latent frame ({HOP_SAMPLES / SAMPLE_RATE_HZ:.4f} s)",
        )
    source = SourceFormat(duration_s, len(sound.audio_CN), sound.rate, sound.unstated_delay_s, sound.remarks)
    return as_mix(sound.audio_CN, sound.rate), source


def _decode(data: bytes, limits: AudioParams | None) -> Sound:
    """All samples of a file's bytes, read by what they are; what they claim is held against the limits first."""
    from tasks.audio.ffmpeg import read_container

    check_size(len(data), limits)
    start = begin_of_sound(data)
    form = form_of(data, start)
    if form is None:
        raise Refused("not_audio", f"its bytes are of no kind that is read; give {READ}")
    sound = READERS[form](data, start, limits) if form in READERS else read_container(data, form, limits)
    if sound.audio_CN.shape[1] == 0:
        raise Refused("empty", "the file holds no samples")
    if not np.isfinite(sound.audio_CN).all():
        raise Refused("not_finite", "the file holds NaN or infinite samples")
    return sound
