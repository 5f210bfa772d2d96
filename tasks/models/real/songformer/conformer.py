"""A conformer's layer as MusicFM and MuQ have it (widening, attention, convolution, widening), with rotations for positions; ten of them, their sizes read from tensors.

As transformers' `Wav2Vec2ConformerEncoder` has it, under its names (A. Gulati and others, Conformer, Interspeech 2020). There the attention of
a window holds the square of its frames, 7 GB for 420 s and 16 heads, several times; here it is never written out. Positions turn what
goes into queries and keys, not these themselves.

Shapes: B songs, T frames of 25 Hz, D numbers of a frame, H heads of d numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.models.real.songformer.encoder import Rotations
from tasks.models.real.songformer.tensors import count, filled, size

LAYERS = 10
"""Of each net what the tenth layer says is heard."""
UNUSED = r"(pos_conv_embed|layer_norm)\..*|layers\.\d{2,}\..*"
"""Names of such an encoder that nothing needs: what it does without rotations, and layers behind the tenth."""


class Sizes(NamedTuple):
    """As the tensors have them. `wide`: numbers of a frame in its widening; `kernel`: frames that a convolution sees."""

    dim: int
    heads: int
    wide: int
    kernel: int


class Widening(nn.Module):
    """Each frame for itself."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(sizes.dim, sizes.wide)
        self.output_dense = nn.Linear(sizes.wide, sizes.dim)

    def forward(self, heard_BTD: Tensor) -> Tensor:
        told: Tensor = self.output_dense(functional.silu(self.intermediate_dense(heard_BTD)))
        return told


class Attention(nn.Module):
    """Every frame looks at every other."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.linear_q = nn.Linear(sizes.dim, sizes.dim)
        self.linear_k = nn.Linear(sizes.dim, sizes.dim)
        self.linear_v = nn.Linear(sizes.dim, sizes.dim)
        self.linear_out = nn.Linear(sizes.dim, sizes.dim)

    def forward(self, heard_BTD: Tensor, angles_Td: Tensor) -> Tensor:
        turned_BTD = self._turned(heard_BTD, angles_Td)
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.linear_q(turned_BTD), self.linear_k(turned_BTD), self.linear_v(heard_BTD))
        )
        seen = functional.scaled_dot_product_attention(query, key, value)
        told: Tensor = self.linear_out(seen.transpose(1, 2).flatten(2))
        return told

    def _turned(self, heard_BTD: Tensor, angles_Td: Tensor) -> Tensor:
        """The first half of each head turned against its second."""
        first, second = heard_BTD.unflatten(2, (self.heads, -1)).chunk(2, dim=-1)
        cos, sin = angles_Td.cos()[:, None], angles_Td.sin()[:, None]
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1).flatten(2)


class Convolution(nn.Module):
    """Each number over some frames before and behind, behind a gate."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        dim = sizes.dim
        self.layer_norm = nn.LayerNorm(dim)
        self.pointwise_conv1 = nn.Conv1d(dim, 2 * dim, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(
            dim, dim, sizes.kernel, padding=sizes.kernel // 2, groups=dim, bias=False
        )
        self.batch_norm = nn.BatchNorm1d(dim)
        self.pointwise_conv2 = nn.Conv1d(dim, dim, 1, bias=False)

    def forward(self, heard_BTD: Tensor) -> Tensor:
        gated = functional.glu(self.pointwise_conv1(self.layer_norm(heard_BTD).transpose(1, 2)), dim=1)
        seen = functional.silu(self.batch_norm(self.depthwise_conv(gated)))
        told: Tensor = self.pointwise_conv2(seen).transpose(1, 2)
        return told


class Layer(nn.Module):
    """One layer; a widening counts half."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.ffn1_layer_norm, self.ffn1 = nn.LayerNorm(sizes.dim), Widening(sizes)
        self.self_attn_layer_norm, self.self_attn = nn.LayerNorm(sizes.dim), Attention(sizes)
        self.conv_module = Convolution(sizes)
        self.ffn2_layer_norm, self.ffn2 = nn.LayerNorm(sizes.dim), Widening(sizes)
        self.final_layer_norm = nn.LayerNorm(sizes.dim)

    def forward(self, heard_BTD: Tensor, angles_Td: Tensor) -> Tensor:
        heard_BTD = heard_BTD + 0.5 * self.ffn1(self.ffn1_layer_norm(heard_BTD))
        heard_BTD = heard_BTD + self.self_attn(self.self_attn_layer_norm(heard_BTD), angles_Td)
        heard_BTD = heard_BTD + self.conv_module(heard_BTD)
        heard_BTD = heard_BTD + 0.5 * self.ffn2(self.ffn2_layer_norm(heard_BTD))
        told: Tensor = self.final_layer_norm(heard_BTD)
        return told


class Conformer(nn.Module):
    """The first ten layers; the norm behind the last is not asked."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.num_heard = sizes.dim
        self.embed_positions = Rotations(sizes.dim // sizes.heads // 2)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(LAYERS))

    def forward(self, heard_BTD: Tensor) -> Tensor:
        """What the tenth layer says of frames."""
        angles_Td = self.embed_positions(heard_BTD.shape[1])
        for layer in self.layers:
            heard_BTD = layer(heard_BTD, angles_Td)
        return heard_BTD


def sizes_of(state: Mapping[str, Tensor]) -> Sizes:
    """The sizes that tensors have, under the encoder's own names.

    Raises:
        ValueError: one that tells a size is missing, or is none of such a net, or it has no layer behind the tenth.
    """
    dim = size(state, "layers.0.final_layer_norm.weight", 0, 1)
    angles = size(state, "embed_positions.inv_freq", 0, 1)
    kernel = size(state, "layers.0.conv_module.depthwise_conv.weight", 2, 3)
    if not dim or not angles or dim % (2 * angles) or kernel % 2 == 0:
        raise ValueError(
            f"it has {dim} numbers a frame, {angles} rotations a head and a kernel of {kernel} frames"
        )
    found = count(state, r"layers\.(\d+)\.")
    if found <= LAYERS:  # what the last one says is normed by another norm
        raise ValueError(f"it has {found} layers; SongFormer hears layer {LAYERS} of more")
    wide = size(state, "layers.0.ffn1.intermediate_dense.weight", 0, 2)
    return Sizes(dim, dim // (2 * angles), wide, kernel)


def conformer_of(state: Mapping[str, Tensor]) -> Conformer:
    """The conformer that these tensors are.

    Raises:
        ValueError: tensors are missing, left over or misshapen.
    """
    sizes = sizes_of(state)
    return filled(lambda: Conformer(sizes), state, UNUSED)
