"""PESTO's net as its tensors describe it: kernels of a constant-Q transform, a small encoder of one frame, and whether it is a voice.

Source: A. Riou et al., PESTO: Pitch Estimation with Self-supervised Transposition-equivariant Objective (ISMIR 2023), whose released
tensors (pesto-pitch 2.0.1, ``mir-1k_g7``) have these names.

Shapes: T frames, L samples of a kernel, B bins of the transform, E of the encoder, O answers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

SEMITONES = 128
SLOPE = 0.3
MAX_KERNEL = 1 << 15
STRIDE = 3  # of the convolution that hears whether it is a voice


class Encoder(nn.Module):
    """[T, E] levels in decibels to [T, O] probabilities of pitches."""

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        bins = state["encoder.layernorm.weight"].shape[-1]
        first, _, size = state["encoder.conv1.0.weight"].shape
        repeats = sum(
            name.startswith("encoder.prefilt_layers.") and name.endswith("weight") for name in state
        )
        points = sorted(
            (name for name in state if name.startswith("encoder.conv_layers.") and name.endswith("weight")),
            key=lambda name: int(name.split(".")[2]),
        )
        self.layernorm = nn.LayerNorm([1, bins])
        self.conv1 = nn.Sequential(nn.Conv1d(1, first, size, padding=size // 2))
        self.prefilt_layers = nn.ModuleList(
            nn.Sequential(nn.Conv1d(first, first, size, padding=size // 2)) for _ in range(repeats)
        )
        self.conv_layers = nn.ModuleDict(
            {name.split(".")[2]: nn.Conv1d(state[name].shape[1], state[name].shape[0], 1) for name in points}
        )
        width = bins * state[points[-1]].shape[0]
        self.num_answers = state["encoder.fc.weight"].shape[-1] - width + 1
        self.fc = nn.Conv1d(1, 1, width + self.num_answers - 1, padding=self.num_answers - 1, bias=False)

    def forward(self, level_TE: torch.Tensor) -> torch.Tensor:
        heard = functional.leaky_relu(self.conv1(self.layernorm(level_TE[:, None])), SLOPE)
        for layer in self.prefilt_layers:
            heard = heard + functional.leaky_relu(layer(heard), SLOPE)
        for layer in self.conv_layers.values():
            heard = functional.leaky_relu(layer(heard), SLOPE)
        answers: torch.Tensor = self.fc(heard.flatten(1)[:, None])[:, 0]
        return answers.softmax(dim=-1)


class Confidence(nn.Module):
    """[T, B] powers to [T], how sure it is a voice."""

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, state["confidence.conv.weight"].shape[-1], stride=STRIDE)
        self.linear = nn.Linear(state["confidence.linear.weight"].shape[-1], 1)

    def forward(self, power_TB: torch.Tensor) -> torch.Tensor:
        mean_T1 = power_TB.mean(dim=-1, keepdim=True).clip(min=1e-8)
        flatness_T1 = power_TB.log().mean(dim=-1, keepdim=True).exp() / mean_T1
        heard = functional.relu(self.conv(power_TB[:, None])[:, 0])
        return torch.sigmoid(self.linear(torch.cat([heard, flatness_T1], dim=-1)))[:, 0]


class PestoNet(nn.Module):
    """[T, B] complex bins to pitch in MIDI numbers and confidence."""

    shift: torch.Tensor

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.encoder = Encoder(state)
        self.confidence = Confidence(state)
        self.register_buffer("shift", torch.zeros(()))

    def forward(self, power_TB: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the powers of each frame's bins: (pitch [T], confidence [T])."""
        edge = (power_TB.shape[1] - self.encoder.layernorm.normalized_shape[1]) // 2
        level_TB = 10 * power_TB.log10()
        answers_TO = self.encoder(level_TB[:, edge : power_TB.shape[1] - edge])
        return self._pitch(answers_TO), self.confidence(power_TB)

    def _pitch(self, answers_TO: torch.Tensor) -> torch.Tensor:
        """The mean of the answers within a semitone of the likeliest one, by their probability."""
        per_semitone = self.encoder.num_answers // SEMITONES
        answers_TO = answers_TO.roll(-round(float(self.shift) * per_semitone), -1)
        around = torch.arange(1 - per_semitone, per_semitone, device=answers_TO.device)
        near = (answers_TO.argmax(dim=-1, keepdim=True) + around).clip(0, self.encoder.num_answers - 1)
        share = answers_TO.gather(-1, near)
        return (share * near / per_semitone).sum(dim=-1) / share.sum(dim=-1)


def kernels(rate_hz: int, lowest_hz: float, per_semitone: int, num_bins: int, gamma: float) -> np.ndarray:
    """The kernels of the transform, complex64 [B, L]; each is centred in L, a power of two.

    Raises:
        ValueError: a bin lies above half the rate, or its kernels are too long.
    """
    per_octave = 12 * per_semitone
    low_hz = lowest_hz / 2 ** (
        (per_semitone - 1) / (2 * per_octave)
    )  # a semitone's bins lie about its middle
    hz_B = low_hz * 2.0 ** (np.arange(num_bins) / per_octave)
    if hz_B[-1] > rate_hz / 2:
        raise ValueError(f"its highest bin is at {hz_B[-1]:.0f} Hz, above half of {rate_hz}")
    alpha = 2 ** (1 / per_octave) - 1
    length_B = np.ceil(rate_hz / alpha / (hz_B + gamma / alpha)).astype(int)
    size = 2 ** int(np.ceil(np.log2(length_B.max())))
    if size > MAX_KERNEL:
        raise ValueError(f"its longest kernel takes {size} samples, limit {MAX_KERNEL}")
    found_BL = np.zeros((num_bins, size), np.complex64)
    for row_L, hz, length in zip(found_BL, hz_B, length_B, strict=True):
        place_N = np.arange(length)
        window_N = 0.5 - 0.5 * np.cos(2 * np.pi * place_N / length)
        start = -(-(size - length) // 2) - length % 2
        first = -(-length // 2)
        wave_N = window_N * np.exp(2j * np.pi * (place_N - first) * hz / rate_hz)
        row_L[start : start + length] = wave_N / np.abs(wave_N).sum() * np.sqrt(length)
    return found_BL
