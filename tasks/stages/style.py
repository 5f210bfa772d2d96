"""Style: what a mix sounds like, as the embedding a model is conditioned on and as windows to compare sets by."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tasks.audio.mix import mix_of
from tasks.audio.read import npy_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.models.style_encoder import (
    StyleEncoder,
    StyleParams,
    build_style_encoder,
    style_encoder_identity,
)


class Style(Stage):
    """Style embeddings [n, 512] and windows [W, D] of a mix."""

    name = "style"
    version = 1
    reads = frozenset({"audio", "duration_s"})
    writes = frozenset({"style_embedding", "window_embedding"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr")

    def __init__(self, params: StyleParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: StyleParams = params
        self.songs_root = songs_root

    @property
    def models(self) -> tuple[str, ...]:
        return (style_encoder_identity(self.params),)

    @cached_property
    def encoder(self) -> StyleEncoder:
        """Built once a worker."""
        return build_style_encoder(self.params)

    def open(self, song: Song) -> np.ndarray:
        """The mix."""
        return mix_of(song.song_id, song["audio"], self.songs_root)

    def one(self, song: Song) -> Song:
        """The song with its style; the style text is kept as it was given, audio is what is embedded."""
        mix_CN = self.opened(song)
        windows_WD = np.asarray(self.encoder.windows(mix_CN), np.float32)
        return song.with_columns(
            style_embedding=np.asarray(self.encoder.embed_audio(mix_CN), np.float32).tolist(),
            window_embedding=npy_bytes(windows_WD),
        )
