"""The mix of a song: for every stage that listens to it, and as a file for people who do."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import soundfile

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio import load_mix
from tasks.engine.song import SongError


def mix_of(song_id: str, audio: Mapping[str, Any], songs_root: str) -> np.ndarray:
    """The mix in an `audio` column, float32 [2, N] at 44.1 kHz in [-1, 1].

    Raises:
        SongError: ``source_gone``, or the reason of `read_audio`: the file is no longer what was ingested.
    """
    try:
        return load_mix(audio, songs_root)
    except OSError as error:
        raise SongError(song_id, "source_gone", f"{audio.get('path')}: {error.strerror}") from error
    except ValueError as error:
        reason, _, detail = str(error).partition(":")
        raise SongError(song_id, reason, detail.strip()) from error


def mp3_bytes(mix_CN: np.ndarray) -> bytes:
    """A mix as a variable-rate MP3 file, for listening; equal samples give equal bytes."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(mix_CN, -1, 1).T, SAMPLE_RATE_HZ, format="MP3", subtype="MPEG_LAYER_III")
    return file.getvalue()
