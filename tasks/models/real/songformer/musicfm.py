"""MusicFM at 25 Hz up to its tenth layer, and its files: a mel spectrogram, two convolutions that halve time and pitch, then the layers of `conformer`.

Source: M. Won, Y.-N. Hung, D. Le, A Foundation Model for Music Informatics (ICASSP 2024), whose released tensors
(github.com/minzwon/musicfm, model/musicfm_25hz.py) have these names. Window and mel bands are those that its file holds.

Shapes: N samples at 24 kHz, M frames of 100 Hz, P mel bands, C channels, T = M / 4 frames, D numbers of a frame.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.models.real.songformer.conformer import UNUSED, Conformer, Sizes, sizes_of
from tasks.models.real.songformer.tensors import filled, read_archive, size

STATE, STATISTICS = "pretrained_msd.pt", "msd_stats.json"
WINDOW, HOP = 2048, 240
QUIETEST = 1e-10  # a power that stands for silence
OF_THE_TRAINER, CONFORMER, MEL = "model.", "conformer.", "preprocessor_melspec_2048."
LEFT_OVER = rf"quantizer_.*|linear\..*|cls_token|conformer\.({UNUSED})"
"""Names of its training that nothing here needs: the codebook, the answers, a token for whole songs."""


class Halving(nn.Module):
    """Two convolutions beside a third; the first and the third step by two in pitch and time."""

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, behind, 3, stride=2, padding=1), nn.BatchNorm2d(behind)
        self.conv2, self.bn2 = nn.Conv2d(behind, behind, 3, padding=1), nn.BatchNorm2d(behind)
        self.conv3, self.bn3 = nn.Conv2d(before, behind, 3, stride=2, padding=1), nn.BatchNorm2d(behind)

    def forward(self, level_BCPM: Tensor) -> Tensor:
        inner = functional.relu(self.bn1(self.conv1(level_BCPM)))
        return functional.relu(self.bn3(self.conv3(level_BCPM)) + self.bn2(self.conv2(inner)))


class Subsampling(nn.Module):
    """A quarter of the frames, each as the conformer takes it."""

    def __init__(self, channels: int, bands: int, dim: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(Halving(1, channels), Halving(channels, channels))
        self.linear = nn.Linear(channels * (bands // 4), dim)

    def forward(self, level_BPM: Tensor) -> Tensor:
        seen_BCPT = self.conv(level_BPM[:, None])
        told: Tensor = self.linear(seen_BCPT.permute(0, 3, 1, 2).flatten(2))
        return told


class Mel(nn.Module):
    """Levels of mel bands in decibels; its parts are named as torchaudio names them."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.mel_stft = nn.Module()
        self.mel_stft.spectrogram = nn.Module()
        self.mel_stft.spectrogram.register_buffer("window", torch.empty(WINDOW))
        self.mel_stft.mel_scale = nn.Module()
        self.mel_stft.mel_scale.register_buffer("fb", torch.empty(WINDOW // 2 + 1, bands))

    def forward(self, audio_BN: Tensor) -> Tensor:
        """[B, P, M] with M = N // HOP."""
        window = self.get_buffer("mel_stft.spectrogram.window")
        bins = torch.stft(audio_BN, WINDOW, HOP, window=window, return_complex=True)
        power_BMF = (bins.real**2 + bins.imag**2).transpose(1, 2)
        mel_BMP = power_BMF @ self.get_buffer("mel_stft.mel_scale.fb")
        return 10 * mel_BMP.clamp(min=QUIETEST).log10().transpose(1, 2)[..., :-1]


class MusicFM(nn.Module):
    """The net, for inference. `mean` and `spread`: of the levels it was trained on."""

    def __init__(self, bands: int, channels: int, sizes: Sizes, mean: float, spread: float) -> None:
        super().__init__()
        self.mean, self.spread = mean, spread
        self.preprocessor_melspec_2048 = Mel(bands)
        self.conv = Subsampling(channels, bands, sizes.dim)
        self.conformer = Conformer(sizes)

    def levels(self, audio_BN: Tensor) -> Tensor:
        """What the convolutions take, [B, P, M]."""
        told: Tensor = (self.preprocessor_melspec_2048(audio_BN) - self.mean) / self.spread
        return told


def read_musicfm(folder: Path) -> MusicFM:
    """The net of a folder with the released files, on the CPU.

    Raises:
        ValueError: a file is not as its authors write it.
        pickle.UnpicklingError: a pickle that does more than a checkpoint's.
    """
    mean, spread = read_statistics(folder / STATISTICS)
    held = read_archive(folder / STATE)
    tensors = held.get("state_dict") if isinstance(held, dict) else None
    if not isinstance(tensors, Mapping) or not all(isinstance(of, Tensor) for of in tensors.values()):
        raise ValueError(f"{STATE} is no checkpoint of MusicFM: no tensors under state_dict")
    state = {str(name).removeprefix(OF_THE_TRAINER): held for name, held in tensors.items()}
    inner = {name.removeprefix(CONFORMER): of for name, of in state.items() if name.startswith(CONFORMER)}
    sizes = sizes_of(inner)
    bands = size(state, f"{MEL}mel_stft.mel_scale.fb", 1, 2)
    channels = size(state, "conv.conv.0.conv1.weight", 0, 4)
    return filled(lambda: MusicFM(bands, channels, sizes, mean, spread), state, LEFT_OVER)


def read_statistics(path: Path) -> tuple[float, float]:
    """Mean and spread of levels, in decibels.

    Raises:
        ValueError: no JSON, or without these two numbers.
    """
    told = json.loads(path.read_bytes())
    numbers: list[Any] = [
        told.get(f"melspec_2048_{name}") if isinstance(told, dict) else None for name in ("mean", "std")
    ]
    if any(type(number) not in (int, float) or not math.isfinite(number) for number in numbers):
        raise ValueError(f"{path.name} lacks melspec_2048_mean and melspec_2048_std as numbers")
    mean, spread = (float(number) for number in numbers)
    if spread <= 0:
        raise ValueError(f"{path.name} has melspec_2048_std {spread}, which must be above 0")
    return mean, spread
