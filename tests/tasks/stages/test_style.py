"""Style writes unit embeddings and the windows that sets of songs are compared by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flows.settings.params import load_params
from tasks.audio.read import array_of
from tasks.stages.style import Style
from tests.tasks.tiny import given, write_song


def test_style_writes_unit_rows_and_windows(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    song = Style(load_params().models.style_encoder).one(given("a.wav", root=tmp_path))
    style_NS = np.asarray(song["style_embedding"])
    assert style_NS.shape[1] == 512
    np.testing.assert_allclose(np.linalg.norm(style_NS, axis=1), 1, atol=1e-5)
    windows_WD = array_of(song["window_embedding"])
    assert windows_WD.ndim == 2 and len(windows_WD) > 1 and windows_WD.dtype == np.float32
