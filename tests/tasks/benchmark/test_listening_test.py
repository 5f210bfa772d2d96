"""Blind trials: sides dealt by the seed, one loudness, one length, the same page for the same takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.audio.loudness import loudness_lufs
from tasks.audio.read import flac_bytes, read_bytes
from tasks.benchmark.listening_test import (
    ListenParams,
    SystemSongs,
    blind_test,
    songs_of_folder,
)
from tasks.prompts.output_folder import equally_loud

PARAMS = load_params()


def tone(gain: float, seconds: float = 1.0, hz: float = 220.0) -> np.ndarray:
    time = np.arange(round(44100 * seconds)) / 44100
    return np.stack([gain * np.sin(2 * np.pi * hz * time)] * 2).astype(np.float32)


def songs(name: str, gain: float, num_songs: int = 6, seconds: float = 1.0) -> SystemSongs:
    songs = [f"song-{number}" for number in range(num_songs)]
    mixes = {song: (lambda hz=200.0 + 10 * n: tone(gain, seconds, hz)) for n, song in enumerate(songs)}
    return SystemSongs(name, {song: song.title() for song in songs}, mixes, [f"{name}@1"])


def test_sides_are_dealt_and_the_key_knows_them() -> None:
    listen = ListenParams(num_songs=6, max_s=0.6, seed=1)
    trials, key = blind_test(songs("new", 0.2), songs("old", 0.2), None, listen, PARAMS.output)
    assert [trial.name for trial in trials] == list(key.trials) == [f"{n:03}" for n in range(1, 7)]
    assert Counter(side.a for side in key.trials.values()).keys() == {"new", "old"}
    assert sorted(side.song_id for side in key.trials.values()) == [f"song-{n}" for n in range(6)]
    again, same = blind_test(songs("new", 0.2), songs("old", 0.2), None, listen, PARAMS.output)
    assert (again, same) == (trials, key)


def test_loudness_and_length_tell_nothing() -> None:
    listen = ListenParams(num_songs=1, max_s=9.0, seed=1)
    style = songs("truth", 0.5, seconds=0.9)
    trials, _ = blind_test(songs("new", 0.05), songs("old", 0.6, seconds=0.8), style, listen, PARAMS.output)
    assert trials[0].style is not None
    mixes = [read_bytes(sound)[0] for sound in (trials[0].a, trials[0].b, trials[0].style)]
    assert len({mix_CN.shape for mix_CN in mixes}) == 1
    levels = [loudness_lufs(mix_CN) for mix_CN in mixes]
    assert levels == pytest.approx([levels[0]] * 3, abs=0.3)


def test_a_mix_that_cannot_be_loud_lowers_the_others() -> None:
    clicks = np.zeros((2, 44100), np.float32)
    clicks[:, ::4410] = 0.9
    levels = [loudness_lufs(mix_CN) for mix_CN in equally_loud([clicks, tone(0.3)], PARAMS.output)]
    assert levels[0] == pytest.approx(levels[1], abs=0.1)
    assert levels[0] < PARAMS.output.lufs - 3


def test_folders_are_read_by_song_id(tmp_path: Path) -> None:
    (tmp_path / "song-1.flac").write_bytes(flac_bytes(tone(0.2), 44100))
    (tmp_path / "notes.txt").write_text("no song")
    found = songs_of_folder("muse", tmp_path, PARAMS.audio)
    assert list(found.mixes) == ["song-1"]
    assert found.mixes["song-1"]().shape == (2, 44100)
    for folder in (tmp_path / "none", tmp_path.parent / "empty"):
        if folder.name == "empty":
            folder.mkdir(exist_ok=True)
        with pytest.raises(ValueError, match="muse="):
            songs_of_folder("muse", folder, PARAMS.audio)


def test_too_few_common_songs_are_refused() -> None:
    listen = ListenParams(num_songs=7, max_s=1.0, seed=1)
    with pytest.raises(ValueError, match=r"listening_test.num_songs is 7: new and old have 6 songs"):
        blind_test(songs("new", 0.2), songs("old", 0.2), None, listen, PARAMS.output)
