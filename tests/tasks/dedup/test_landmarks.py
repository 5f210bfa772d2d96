"""Landmarks: copies agree at one offset, other songs do not, however alike they sound."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tasks.dedup.landmarks import index_keys, landmarks, shared_landmarks
from tasks.toy.render import render_songs
from tests.every import every

RATE_HZ = 44_100
NEAR, APART = 0.25, 0.1


def rendered(folder: Path, count: int) -> dict[str, np.ndarray]:
    """Toy songs by name, float32 [2, N]."""
    render_songs(folder, count, 7, "none", ("wav",), 2, stems=True)
    return {path.stem: read(path) for path in sorted((folder / "songs").glob("*.wav"))}


def read(file: Path | io.BytesIO) -> np.ndarray:
    return soundfile.read(file, dtype="float32", always_2d=True)[0].T


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("landmarks")


@pytest.fixture(scope="module")
def songs(folder: Path) -> dict[str, np.ndarray]:
    return rendered(folder, 12)


@pytest.fixture(scope="module")
def marks(songs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: landmarks(mix_CN, 512) for name, mix_CN in songs.items()}


def coded(mix_CN: np.ndarray, kind: str, subtype: str) -> np.ndarray:
    """Through a lossy codec at about 64 kbit/s."""
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", RATE_HZ, 2, format=kind, subtype=subtype, compression_level=0.9
    ) as out:
        out.write(mix_CN.T)
    file.seek(0)
    return read(file)


def led_in(mix_CN: np.ndarray) -> np.ndarray:
    return np.pad(mix_CN, ((0, 0), (round(0.7 * RATE_HZ), 0)))


def at_22_khz(mix_CN: np.ndarray) -> np.ndarray:
    half_NC = soxr.resample(mix_CN.T, RATE_HZ, RATE_HZ // 2)
    return soxr.resample(half_NC, RATE_HZ // 2, RATE_HZ).T


COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mp3": lambda mix_CN: coded(mix_CN, "MP3", "MPEG_LAYER_III"),
    "ogg": lambda mix_CN: coded(mix_CN, "OGG", "VORBIS"),
    "gain": lambda mix_CN: mix_CN / 4,
    "lead-in": led_in,
    "start cut": lambda mix_CN: mix_CN[:, mix_CN.shape[1] // 5 :],
    "end cut": lambda mix_CN: mix_CN[:, : -mix_CN.shape[1] // 5],
    "resampled": at_22_khz,
    "all of it": lambda mix_CN: coded(led_in(mix_CN) / 4, "MP3", "MPEG_LAYER_III")[
        :, : -mix_CN.shape[1] // 5
    ],
}


@every("kind", COPIES)
def test_a_copy_shares_landmarks_and_index_keys(
    songs: dict[str, np.ndarray], marks: dict[str, np.ndarray], kind: str
) -> None:
    for name in list(songs)[:4]:
        marks_L, copy_L = marks[name], landmarks(COPIES[kind](songs[name]), 512)
        assert shared_landmarks(marks_L, copy_L, 40) >= NEAR
        assert shared_landmarks(copy_L, marks_L, 40) >= NEAR
        assert len(np.intersect1d(index_keys(marks_L, 256), index_keys(copy_L, 256))) >= 5


def test_another_level_of_the_voice_is_the_same_song(marks: dict[str, np.ndarray], folder: Path) -> None:
    for name in list(marks)[:4]:
        voice_CN, band_CN = (read(folder / f"truth/{name}.{stem}.flac") for stem in ("vocals", "band"))
        for level in (0.5, 2.0):
            other_L = landmarks(level * voice_CN + band_CN, 512)
            assert shared_landmarks(marks[name], other_L, 40) >= NEAR


def test_songs_of_one_genre_are_told_apart(marks: dict[str, np.ndarray]) -> None:
    assert max(shared_landmarks(a, b, 40) for a, b in combinations(marks.values(), 2)) < APART


@pytest.mark.slow
def test_sixty_songs_of_five_genres_are_told_apart(tmp_path: Path) -> None:
    marks = [landmarks(mix_CN, 512) for mix_CN in rendered(tmp_path, 60).values()]
    assert max(shared_landmarks(a, b, 40) for a, b in combinations(marks, 2)) < APART


def test_a_sketch_is_sorted_bounded_and_the_same_twice(songs: dict[str, np.ndarray]) -> None:
    mix_CN = next(iter(songs.values()))
    marks_L = landmarks(mix_CN, 100)
    assert len(marks_L) == 100 and marks_L.dtype == np.int64
    assert (np.diff(marks_L) > 0).all()
    assert (marks_L == landmarks(mix_CN, 100)).all()
    assert set(marks_L.tolist()) <= set(landmarks(mix_CN, 10_000).tolist())


def test_silence_and_very_short_sounds_match_nothing() -> None:
    silent_L = landmarks(np.zeros((2, RATE_HZ * 3), np.float32), 512)
    short_L = landmarks(np.ones((2, 100), np.float32), 512)
    assert len(silent_L) == 0
    assert shared_landmarks(silent_L, silent_L, 1) == 0
    assert shared_landmarks(short_L, short_L, 40) == 0
    assert len(index_keys(silent_L, 256)) == 0
