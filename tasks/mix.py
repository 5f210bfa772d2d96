"""The mix of a song, for every stage that listens to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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
