"""The mix of a song comes from its file or its bytes, or the song is dropped with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.audio.mix import mix_of
from tasks.audio.read import flac_bytes
from tasks.engine.song import SongError
from tests.every import every
from tests.tasks.tiny import tones_CN, write_song


def test_mix_is_the_same_from_a_file_and_from_bytes(tmp_path: Path) -> None:
    write_song(tmp_path / "a.flac", 0.5)
    from_file_CN = mix_of("a", {"path": "a.flac", "bytes": None}, str(tmp_path))
    from_bytes_CN = mix_of("a", {"path": None, "bytes": flac_bytes(tones_CN(0.5), 44_100)}, str(tmp_path))
    np.testing.assert_allclose(from_file_CN, from_bytes_CN, atol=1 / 32_768)


@every(("path", "reason"), [("gone.wav", "source_gone"), ("bad.wav", "not_audio"), ("../x.wav", "not_audio")])
def test_a_mix_that_cannot_be_read_drops_its_song(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    with pytest.raises(SongError) as error:
        mix_of("a", {"path": path, "bytes": None}, str(tmp_path))
    assert error.value.reason == reason


def test_what_a_decoder_says_that_nobody_foresaw_costs_one_song_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> np.ndarray:
        raise ValueError("frames: words of a library")

    monkeypatch.setattr("tasks.audio.mix.load_mix", fails)
    with pytest.raises(SongError) as error:
        mix_of("a", {"path": "a.flac", "bytes": None}, "")
    assert (error.value.reason, error.value.detail) == ("unreadable", "frames: words of a library")
