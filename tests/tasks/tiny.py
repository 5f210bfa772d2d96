"""Tiny songs for the tests of stages: a second or two of chords and a humming voice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from jam_model.words import Word, rows_of
from tasks.engine.song import Song

RATE_HZ = 44_100


def tones_CN(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """A humming voice in the middle, a chord at the sides and a little noise, float32 [2, N]."""
    noise = np.random.default_rng(seed)
    time_N = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = 180 + 20 * seed
    voice_N = sum(np.sin(2 * np.pi * pitch_hz * k * time_N) / k for k in range(1, 8))
    chord_N = sum(np.sin(2 * np.pi * hz * time_N) for hz in (261.6, 329.6, 392.0))
    pulse_N = 0.6 + 0.4 * np.sign(np.sin(2 * np.pi * 2 * time_N))
    mix_CN = np.stack([voice_N * pulse_N + chord_N, voice_N * pulse_N - chord_N]) / 8
    return (mix_CN + 0.01 * noise.standard_normal(mix_CN.shape)).astype(np.float32)


def write_song(path: Path, seconds: float = 2.0, seed: int = 0) -> Path:
    """A 16-bit file of `tones_CN`; the ending of its name says which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tones_CN(seconds, seed).T, RATE_HZ, subtype=None)
    return path


def given(name: str, song_id: str = "tiny-0123456789ab", root: Path | None = None, **columns: object) -> Song:
    """A song as ingest leaves it, with the mix at `name` under the songs root."""
    facts: dict[str, object] = {
        "audio": {"path": name, "bytes": None},
        "duration_s": 2.0,
        "lyrics": ["hello", "moon"],
        "lyrics_times": None,
        "lyrics_lines": None,
        "num_lines": None,
        "artist": None,
        "license": None,
        "source": None,
        "split": "train",
    }
    return Song(song_id, {**facts, **columns}, root=str(root or ""))


def timed(*words: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Rows of a word column from (text, start_s, end_s) or (text, start_s, end_s, phonemes), score 1."""
    return rows_of(Word(*word, score=1.0) for word in words)
