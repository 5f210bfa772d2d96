"""A small decoder as the TorchScript archive DiffRhythm ships: a module with the method ``decode_export``."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

HOP_SAMPLES = 2048


class TinyDecoder(nn.Module):
    """64 channels at 21.5 Hz to stereo at 44.1 kHz: one frame hears its neighbours, then is spread out."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv1d(64, 16, 7, padding=3)
        self.spread = nn.ConvTranspose1d(16, 2, 2 * HOP_SAMPLES, HOP_SAMPLES, padding=HOP_SAMPLES // 2)

    def forward(self, latents: Tensor) -> Tensor:
        return self.decode_export(latents)

    @torch.jit.export
    def decode_export(self, latents: Tensor) -> Tensor:
        return torch.tanh(self.spread(torch.tanh(self.near(latents))))


def write_diffrhythm(folder: Path, seed: int = 0) -> Path:
    """The folder with ``vae_model.pt``."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        script = torch.jit.script(TinyDecoder().eval())
    script.save(str(folder / "vae_model.pt"))
    return folder
