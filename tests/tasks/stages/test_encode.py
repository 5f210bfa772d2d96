"""Encode writes the codec's posterior: mean and standard deviation side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flows.settings.params import load_params
from jam_model.frames import frames_of_seconds
from tasks.audio.read import array_of
from tasks.models.codec import build_codec
from tasks.stages.encode import Encode
from tests.tasks.tiny import given, write_song

PARAMS = load_params().models.codec


def test_encode_writes_mean_and_std_of_every_frame(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    song = Encode(PARAMS).one(given("a.wav", root=tmp_path))
    latent_TC = array_of(song["latent"])
    assert latent_TC.shape == (song["num_frames"], 128) == (frames_of_seconds(2.0), 128)
    assert latent_TC.dtype == np.float32
    assert (latent_TC[:, 64:] > 0).all()
    assert build_codec(PARAMS).decode(latent_TC[:, :64]).shape == (2, len(latent_TC) * 2048)
