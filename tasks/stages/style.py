"""Style: what a mix sounds like, as the embedding a model is conditioned on and as windows to compare sets by."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.audio.read import npy_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.style_encoder import (
    StyleParams,
    build_style_encoder,
)
from tasks.songs.columns import STYLE
from tasks.stages.bases import MixStage


class Style(MixStage):
    """Style embeddings [n, 512] and windows [W, D] of a mix."""

    name = "style"
    version = 1
    params: StyleParams
    encoder = Model(build_style_encoder)
    writes = {
        "style_embedding": Column(STYLE, "[n, 512], one row a crop"),
        "window_embedding": Column(pa.large_binary(), "npy float32 [num_windows, D], for Frechet distance"),
    }

    def one(self, song: Song) -> Song:
        """The song with its style; the style text is kept as it was given, audio is what is embedded."""
        mix_CN = self.opened(song)
        windows_WD = np.asarray(self.encoder.windows(mix_CN), np.float32)
        return song.with_columns(
            style_embedding=np.asarray(self.encoder.embed_audio(mix_CN), np.float32).tolist(),
            window_embedding=npy_bytes(windows_WD),
        )
