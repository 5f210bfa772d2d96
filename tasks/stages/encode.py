"""Encode: turns every mix into latents on unit scale."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.audio.read import npy_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.codec import CodecParams, build_codec
from tasks.stages.bases import MixStage


class Encode(MixStage):
    """The codec's posterior of a mix: mean and standard deviation side by side, float32 [T, 128]."""

    name = "encode"
    version = 1
    params: CodecParams
    codec = Model(build_codec)
    writes = {
        "latent": Column(
            pa.large_binary(), "npy float32 [T, 128]: posterior mean (64) then std (64)", large=True
        ),
        "num_frames": Column(pa.int32(), "T"),
    }

    def one(self, song: Song) -> Song:
        """The song with its latent."""
        mean_TC, std_TC = self.codec.encode(self.opened(song))
        latent_TC = np.concatenate([mean_TC, std_TC], axis=1, dtype=np.float32)
        return song.with_columns(latent=npy_bytes(latent_TC), num_frames=len(latent_TC))
