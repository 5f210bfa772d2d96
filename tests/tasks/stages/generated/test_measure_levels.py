"""Levels of mixes whose levels are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.settings.params import load_params
from tasks.engine.song import Song
from tasks.stages.generated.measure_levels import MeasureLevels
from tests.tasks.tiny import RATE_HZ, given


def gauged(folder: Path, mix_NC: np.ndarray) -> Song:
    soundfile.write(folder / "a.wav", mix_NC, RATE_HZ, subtype="FLOAT")
    return MeasureLevels(load_params().check).one(given("a.wav", root=folder))


def test_half_silent_song(tmp_path: Path) -> None:
    time_N = np.arange(2 * RATE_HZ) / RATE_HZ
    mix = np.repeat(0.5 * np.sin(2 * np.pi * 440 * time_N)[:, None], 2, axis=1)
    mix[RATE_HZ:] = 0
    song = gauged(tmp_path, mix)
    assert song["silence_share"] == pytest.approx(0.5, abs=0.01)
    assert song["clipped_share"] == 0.0
    assert -12 < song["loudness_lufs"] < -4


def test_flat_tops_are_clipping_and_silence_has_no_loudness(tmp_path: Path) -> None:
    square = np.where(np.arange(RATE_HZ) % 100 < 50, 1.0, -1.0)
    assert gauged(tmp_path, np.stack([square, square], axis=1))["clipped_share"] == pytest.approx(1, abs=0.03)
    silent = gauged(tmp_path, np.zeros((RATE_HZ, 2)))
    assert silent["loudness_lufs"] is None and silent["silence_share"] == 1.0
