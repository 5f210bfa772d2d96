"""The mix of a song (`mix_of`): for every stage that listens to it, and encoded as a file (FLAC, MP3, WAV) for people who do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.read import flac_bytes, load_mix, read_bytes, sound_file
from tasks.engine.song import SongError

Ending = Literal["mp3", "flac", "wav"]
MP3_TRIES = 4
MP3_HEADROOM = 0.995


def mix_of(song_id: str, audio: Mapping[str, Any], songs_root: str, content_hash: str = "") -> np.ndarray:
    """The mix in an `audio` column, float32 [2, N] at 44.1 kHz in [-1, 1]; as `load_mix`, not to be written to.

    Raises:
        SongError: ``source_gone``, or the reason of `read_audio`: the file is no longer what was ingested.
    """
    try:
        return load_mix(audio, songs_root, content_hash)
    except OSError as error:
        raise SongError(song_id, "source_gone", f"{audio.get('path')}: {error.strerror}") from error
    except ValueError as error:
        raise SongError.of(song_id, error) from error


def mp3_bytes(mix_CN: np.ndarray) -> bytes:
    """A mix as a variable-rate MP3 file, for listening; equal samples give equal bytes.

    Coding moves peaks: where they would leave [-1, 1] on decoding, the mix is encoded again, quieter.
    """
    mix_CN = np.clip(mix_CN, -1, 1)
    for _ in range(MP3_TRIES):
        data = sound_file(mix_CN, SAMPLE_RATE_HZ, "MP3", "MPEG_LAYER_III")
        peak = float(np.abs(read_bytes(data)[0]).max(initial=0.0))
        if peak <= 1:
            break
        mix_CN = mix_CN * np.float32(MP3_HEADROOM / peak)
    return data


def wav_bytes(mix_CN: np.ndarray) -> bytes:
    """A mix as a 16-bit WAV file; equal samples give equal bytes. Peaks are clipped at 1."""
    return sound_file(np.clip(mix_CN, -1, 1), SAMPLE_RATE_HZ, "WAV", "PCM_16")


def encoded(mix_CN: np.ndarray, ending: Ending) -> bytes:
    """A mix as a file of this kind."""
    if ending == "flac":
        return flac_bytes(mix_CN, SAMPLE_RATE_HZ)
    return mp3_bytes(mix_CN) if ending == "mp3" else wav_bytes(mix_CN)
