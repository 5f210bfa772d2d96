"""Separate writes the vocals of a mix as mono FLAC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.params import load_params
from tasks.audio import read_bytes
from tasks.engine.song import SongError
from tasks.separate import Separate
from tests.tasks.tiny import given, tones_CN, write_song


def test_separate_writes_mono_vocals_as_long_as_the_mix(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    vocals_CN, rate = read_bytes(
        Separate(load_params().separate, str(tmp_path)).one(given("a.wav"))["vocals"]
    )
    assert (vocals_CN.shape, rate) == ((1, tones_CN().shape[1]), 44_100)
    side_N = (tones_CN()[0] - tones_CN()[1]) / 2
    assert abs(np.corrcoef(vocals_CN[0], side_N)[0, 1]) < 0.1  # the chord at the sides is not in it


def test_a_song_whose_file_went_is_dropped_source_gone(tmp_path: Path) -> None:
    with pytest.raises(SongError) as error:
        Separate(load_params().separate, str(tmp_path)).one(given("gone.wav"))
    assert error.value.reason == "source_gone"
