"""The sound of a song for the page: its mix and its stems as FLAC files to seek in, and their outlines.

They are made from the table and the songs' files when they are first asked for, and kept below the work folder up to
a number of bytes; what was used longest ago makes room.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.mix import mix_of
from tasks.audio.read import flac_bytes, read_bytes
from tasks.desk.song_row import large_value
from tasks.engine.song import SongError
from tasks.storage.files import write_bytes

MIX, VOCALS = "mix", "vocals"
PEAKS_PER_S = 100
MAX_BYTES = 2_000_000_000
_ONE_AT_A_TIME = threading.Lock()  # a decoded song is a hundred megabytes


class NoSound(ValueError):
    """The song has no such sound, or it cannot be read any more; the line says which."""


def sound_names(files: Mapping[str, Path], song_id: str) -> list[str]:
    """What of a song can be played: the mix, and the vocals and stems that stand."""
    separated = files.get("separate")
    if separated is None:
        return [MIX]
    vocals = [VOCALS] if large_value(separated, song_id, "vocals") else []
    stems = [stem["name"] for stem in large_value(separated, song_id, "stems") or ()]
    return [MIX, *vocals, *(name for name in stems if name != VOCALS)]


def sound_file(
    folder: Path, files: Mapping[str, Path], song_id: str, content_hash: str, songs_root: str, name: str
) -> Path:
    """A FLAC file of one sound, and its outline beside it (`outline_of`), in a folder of what is kept.

    Raises:
        NoSound: there is none of this name, or its file is gone or changed.
    """
    made_of = [
        song_id,
        name,
        content_hash if name == MIX else files["separate"].name if "separate" in files else "",
    ]
    path = folder / f"{hashlib.sha256('/'.join(made_of).encode()).hexdigest()[:32]}.flac"
    if path.is_file() and outline_of(path).is_file():
        os.utime(path)
        return path
    with _ONE_AT_A_TIME:
        data, audio_CN = _sound(files, song_id, content_hash, songs_root, name)
        write_bytes(outline_of(path), outline(audio_CN))
        write_bytes(path, data)
        _make_room(folder, path)
    return path


def outline_of(path: Path) -> Path:
    """Where the outline of a sound lies."""
    return path.with_suffix(".peaks")


def outline(audio_CN: np.ndarray) -> bytes:
    """The largest magnitude in each hundredth of a second, as a byte: 255 is full scale."""
    loudest_N = np.abs(np.atleast_2d(audio_CN)).max(axis=0)
    if not len(loudest_N):
        return b""
    peaks_P = np.maximum.reduceat(loudest_N, np.arange(0, len(loudest_N), SAMPLE_RATE_HZ // PEAKS_PER_S))
    return np.clip(np.rint(peaks_P * 255), 0, 255).astype(np.uint8).tobytes()


def _sound(
    files: Mapping[str, Path], song_id: str, content_hash: str, songs_root: str, name: str
) -> tuple[bytes, np.ndarray]:
    if name == MIX:
        audio = large_value(files["sources"], song_id, "audio")
        if not audio:
            raise NoSound(f"sound: the table names no audio file of {song_id}")
        try:
            mix_CN = mix_of(song_id, audio, songs_root, content_hash)
        except SongError as error:
            raise NoSound(f"sound: the mix of {song_id} cannot be read: {error}") from error
        return flac_bytes(mix_CN, SAMPLE_RATE_HZ), mix_CN
    data = _stem(files, song_id, name)
    if not data:
        raise NoSound(f"sound: {song_id} has no {name}; `engine.evict` or a setting of separate left it out")
    return data, read_bytes(data)[0]


def _stem(files: Mapping[str, Path], song_id: str, name: str) -> bytes:
    if "separate" not in files:
        return b""
    if name == VOCALS:
        return large_value(files["separate"], song_id, "vocals") or b""
    stems: list[dict[str, Any]] = large_value(files["separate"], song_id, "stems") or []
    return next((stem["bytes"] for stem in stems if stem["name"] == name), b"")


def _make_room(folder: Path, but: Path) -> None:
    """Remove what was used longest ago, until the rest fits."""
    sounds = sorted(folder.glob("*.flac"), key=lambda path: path.stat().st_mtime_ns)
    total = sum(path.stat().st_size for path in sounds)
    for path in sounds:
        if total <= MAX_BYTES or path == but:
            break
        total -= path.stat().st_size
        path.unlink(missing_ok=True)
        outline_of(path).unlink(missing_ok=True)
