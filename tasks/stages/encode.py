"""Encode: turns every mix into latents on unit scale."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tasks.audio.mix import mix_of
from tasks.audio.read import npy_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.models.codec import Codec, CodecParams, build_codec, codec_identity


class Encode(Stage):
    """The codec's posterior of a mix: mean and standard deviation side by side, float32 [T, 128]."""

    name = "encode"
    version = 1
    reads = frozenset({"audio", "duration_s"})
    writes = frozenset({"latent", "num_frames"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr")

    def __init__(self, params: CodecParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: CodecParams = params
        self.songs_root = songs_root

    @property
    def models(self) -> tuple[str, ...]:
        return (codec_identity(self.params),)

    @cached_property
    def codec(self) -> Codec:
        """Built once a worker."""
        return build_codec(self.params)

    def open(self, song: Song) -> np.ndarray:
        """The mix."""
        return mix_of(song.song_id, song["audio"], self.songs_root)

    def one(self, song: Song) -> Song:
        """The song with its latent."""
        mean_TC, std_TC = self.codec.encode(self.opened(song))
        latent_TC = np.concatenate([mean_TC, std_TC], axis=1, dtype=np.float32)
        return song.with_columns(latent=npy_bytes(latent_TC), num_frames=len(latent_TC))
