"""SongFormer's net and its file: its encoder and heads, from what two nets hear of a song, near and far, to how likely a part begins and which label it has, 8.3 times a second.

Source: C. Hao and others, SongFormer: Scaling Music Structure Analysis with Heterogeneous Supervision (arXiv 2510.02797), whose released tensors
(github.com/ASLP-lab/SongFormer, models/SongFormer.py and configs/SongFormer.yaml) have these names.

Shapes: B songs, T frames of 25 Hz, S = T // 3 steps, F = 4 x 1,024 numbers heard, D numbers of a step, L labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.models.real.common import read_state
from tasks.models.real.songformer.encoder import HEAD, Encoder
from tasks.models.real.songformer.tensors import count, filled, size

STEP = 3  # frames that are one step
STATE = "SongFormer.safetensors"
AVERAGED, OF_THE_AVERAGE = "ema_model.", ("initted", "step")
"""The released file is an average over training: its names begin so, and it counts its steps."""
ENCODER = "transformer.transformer"


class Sizes(NamedTuple):
    """As the tensors have them. `heard`: F; `mixed`, `wide` and `dim`: numbers of a frame and of a step before and in the encoder."""

    heard: int
    mixed: int
    wide: int
    dim: int
    heads: int
    widened: int
    layers: int
    angles: int
    datasets: int
    labels: int


class Steps(nn.Module):
    """Three frames as one: a convolution of each number alone, beside their mean."""

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.depthwise_conv = nn.Conv1d(before, before, STEP, stride=STEP, groups=before, bias=False)
        self.pointwise_conv = nn.Conv1d(before, behind, 1, bias=False)
        self.residual_conv = nn.Conv1d(before, behind, 1, bias=False)
        self.norm1 = nn.LayerNorm(behind)

    def forward(self, heard_BTD: Tensor) -> Tensor:
        heard_BDT = heard_BTD.transpose(1, 2)
        beside = self.residual_conv(functional.avg_pool1d(heard_BDT, STEP, STEP))
        steps = self.pointwise_conv(self.depthwise_conv(heard_BDT)) + beside
        return functional.gelu(self.norm1(steps.transpose(1, 2)))


class Table(nn.Module):
    """A row of numbers for each data set."""

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, dim))


class Head(nn.Module):
    """A linear answer at each step."""

    def __init__(self, dim: int, answers: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, answers))

    def forward(self, told_BSD: Tensor) -> Tensor:
        said: Tensor = self.net(told_BSD)
        return said


class Projected(nn.Module):
    """The encoder behind its input projection."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.input_proj = nn.Sequential(
            nn.Linear(sizes.wide, sizes.dim),
            nn.LayerNorm(sizes.dim),
            nn.GELU(),
            nn.Identity(),
            nn.Linear(sizes.dim, sizes.dim),
        )
        self.transformer = Encoder(sizes.dim, sizes.heads, sizes.widened, sizes.layers, sizes.angles)

    def forward(self, steps_BSD: Tensor) -> Tensor:
        told: Tensor = self.transformer(self.input_proj(steps_BSD))
        return told


class SongFormerNet(nn.Module):
    """The released net, for inference."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.mixed_win_downsample = nn.Linear(sizes.heard, sizes.mixed)
        self.input_norm = nn.LayerNorm(sizes.mixed)
        self.down_sample_conv = Steps(sizes.mixed, sizes.wide)
        self.dataset_class_prefix = Table(sizes.datasets, sizes.wide)
        self.transformer = Projected(sizes)
        self.num_heard, self.num_datasets, self.num_labels = sizes.heard, sizes.datasets, sizes.labels
        self.boundary_head = Head(sizes.dim, 1)
        self.function_head = Head(sizes.dim, sizes.labels)

    def forward(self, heard_BTF: Tensor, dataset: int) -> tuple[Tensor, Tensor]:
        """Logits that a part begins [B, S] and of each label [B, S, L], as songs of this data set are labelled."""
        steps_BSD = self.down_sample_conv(self.input_norm(self.mixed_win_downsample(heard_BTF)))
        told_BSD = self.transformer(steps_BSD + self.dataset_class_prefix.weight[dataset])
        return self.boundary_head(told_BSD)[..., 0], self.function_head(told_BSD)


def read_net(folder: Path) -> SongFormerNet:
    """The net of a folder with the released file, on the CPU; names with and without `AVERAGED` are taken.

    Raises:
        ValueError: tensors are missing, left over or misshapen.
    """
    state = read_state(folder, STATE)
    if any(name.startswith(AVERAGED) for name in state):
        state = {
            name.removeprefix(AVERAGED): held for name, held in state.items() if name not in OF_THE_AVERAGE
        }
    sizes = sizes_of(state)
    return filled(lambda: SongFormerNet(sizes), state)


def sizes_of(state: Mapping[str, Tensor]) -> Sizes:
    """The sizes that tensors have.

    Raises:
        ValueError: one that tells a size is missing, or is none of this net.
    """
    first = f"{ENCODER}.layers.0.1.to_q.weight"
    angles = size(state, f"{ENCODER}.rotary_pos_emb.inv_freq", 0, 1)
    width = size(state, first, 0, 2)
    if width % HEAD or not width or 2 * angles > HEAD:
        raise ValueError(f"{first} has {width} rows and {angles} rotations, not heads of {HEAD} numbers")
    return Sizes(
        heard=size(state, "mixed_win_downsample.weight", 1, 2),
        mixed=size(state, "mixed_win_downsample.weight", 0, 2),
        wide=size(state, "down_sample_conv.norm1.weight", 0, 1),
        dim=size(state, first, 1, 2),
        heads=width // HEAD,
        widened=size(state, f"{ENCODER}.layers.1.1.ff.0.0.weight", 0, 2),
        layers=(count(state, rf"{re.escape(ENCODER)}\.layers\.(\d+)\.") + 1) // 2,
        angles=angles,
        datasets=size(state, "dataset_class_prefix.weight", 0, 2),
        labels=size(state, "function_head.net.0.weight", 0, 2),
    )
