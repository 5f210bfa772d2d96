"""A small Stable Audio Open autoencoder with random weights, as diffusers writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tasks.models.real.import_masks import import_foreign

RATIOS = (16, 128)  # released: 2, 4, 4, 8, 8; fewer blocks at a high rate are quicker


def tiny_oobleck(decoder_channels: int = 8, seed: int = 0) -> Any:
    """64 latent channels at a hop of 2048, as released; the encoder cannot be narrower than twice that."""
    diffusers = import_foreign("diffusers")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return diffusers.AutoencoderOobleck(
            encoder_hidden_size=128,
            downsampling_ratios=list(RATIOS),
            channel_multiples=[1] * len(RATIOS),
            decoder_channels=decoder_channels,
            decoder_input_channels=64,
            audio_channels=2,
            sampling_rate=44_100,
        ).eval()


def write_oobleck(folder: Path, seed: int = 0) -> Path:
    """The folder of a hub repository: the autoencoder lies in its subfolder ``vae``."""
    tiny_oobleck(seed=seed).save_pretrained(folder / "vae")
    return folder
