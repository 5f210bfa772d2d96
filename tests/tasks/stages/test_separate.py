"""Separate writes the vocals of a mix as mono FLAC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.audio.read import read_bytes
from tasks.engine.song import SongError
from tasks.models.separator import Stems
from tasks.stages.separate import Separate, SeparateParams
from tests.tasks.tiny import given, tones_CN, write_song


def separate(stems: Stems = "vocals") -> Separate:
    return Separate(SeparateParams(stems=stems), load_params().models.separator)


def test_separate_writes_mono_vocals_as_long_as_the_mix(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    vocals_CN, rate = read_bytes(separate().one(given("a.wav", root=tmp_path))["vocals"])
    assert (vocals_CN.shape, rate) == ((1, tones_CN().shape[1]), 44_100)
    side_N = (tones_CN()[0] - tones_CN()[1]) / 2
    assert abs(np.corrcoef(vocals_CN[0], side_N)[0, 1]) < 0.1  # the chord at the sides is not in it


def test_two_stems_are_the_vocals_and_all_the_rest_of_the_mix(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    alone = separate().one(given("a.wav", root=tmp_path))
    both = separate("two").one(given("a.wav", root=tmp_path))
    assert alone["stems"] is None and both["vocals"] == alone["vocals"]
    stems = {stem["name"]: read_bytes(stem["bytes"])[0] for stem in both["stems"]}
    assert list(stems) == ["vocals", "accompaniment"]
    assert np.abs(stems["vocals"] + stems["accompaniment"] - tones_CN()).max() < 1e-3


def test_four_stems_need_a_separator_that_knows_instruments() -> None:
    with pytest.raises(
        ValueError,
        match=r"^params: .*separate.stems is 'four'.*choose two, or models.separator.model: demucs",
    ):
        load_params(settings=["separate.stems=four"])
    assert load_params(settings=["separate.stems=four", "models.separator.model=demucs"])


def test_a_song_whose_file_went_is_dropped_source_gone(tmp_path: Path) -> None:
    with pytest.raises(SongError) as error:
        separate().one(given("gone.wav", root=tmp_path))
    assert error.value.reason == "source_gone"
