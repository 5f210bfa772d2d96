"""The encoder inside SongFormer's own net (`Encoder`): attention and widening in turn, each behind a norm (`Gain`) and beside what went in, positions as rotations.

As x-transformers 2.4.14 (P. Wang) has it with flash attention and rotary positions, whose names the released tensors have. Only the first half of
each head is rotated, neighbours in pairs.

Shapes: B songs, T frames, D numbers of a frame, H heads of 64 numbers, R = 16 angles.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD = 64


class Gain(nn.Module):
    """A layer norm without a bias, whose tensor says how far its gain is above 1."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(dim))

    def forward(self, heard_BTD: Tensor) -> Tensor:
        return functional.layer_norm(heard_BTD, self.gamma.shape, self.gamma + 1)


class Attention(nn.Module):
    """Every frame looks at every other; no bias anywhere."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(dim, heads * HEAD, bias=False)
        self.to_k = nn.Linear(dim, heads * HEAD, bias=False)
        self.to_v = nn.Linear(dim, heads * HEAD, bias=False)
        self.to_out = nn.Linear(heads * HEAD, dim, bias=False)

    def forward(self, heard_BTD: Tensor, angles_TR: Tensor) -> Tensor:
        query, key, value = (
            to(heard_BTD).unflatten(2, (-1, HEAD)).transpose(1, 2) for to in (self.to_q, self.to_k, self.to_v)
        )
        seen = functional.scaled_dot_product_attention(
            rotated(query, angles_TR), rotated(key, angles_TR), value
        )
        mixed: Tensor = self.to_out(seen.transpose(1, 2).flatten(2))
        return mixed


class Widening(nn.Module):
    """Each frame for itself."""

    def __init__(self, dim: int, wide: int) -> None:
        super().__init__()
        self.ff = nn.Sequential(
            nn.Sequential(nn.Linear(dim, wide), nn.GELU()), nn.Identity(), nn.Linear(wide, dim)
        )

    def forward(self, heard_BTD: Tensor, _: Tensor) -> Tensor:
        told: Tensor = self.ff(heard_BTD)
        return told


class Rotations(nn.Module):
    """How far each pair of numbers turns from one frame to the next."""

    def __init__(self, angles: int) -> None:
        super().__init__()
        self.inv_freq: Tensor
        self.register_buffer("inv_freq", torch.empty(angles))

    def forward(self, num_frames: int) -> Tensor:
        """The angles of each frame, half as many as the numbers that are turned, [T, R]."""
        return torch.arange(num_frames, device=self.inv_freq.device).float()[:, None] * self.inv_freq


class Encoder(nn.Module):
    """So many layers of attention and widening, and a norm behind them."""

    def __init__(self, dim: int, heads: int, wide: int, layers: int, angles: int) -> None:
        super().__init__()
        blocks = [block for _ in range(layers) for block in (Attention(dim, heads), Widening(dim, wide))]
        self.layers = nn.ModuleList(nn.ModuleList([nn.ModuleList([Gain(dim)]), block]) for block in blocks)
        self.rotary_pos_emb = Rotations(angles)
        self.final_norm = Gain(dim)

    def forward(self, heard_BTD: Tensor) -> Tensor:
        angles_TR = self.rotary_pos_emb(heard_BTD.shape[1])
        for layer in self.layers:
            norm, block = layer.get_submodule("0.0"), layer.get_submodule("1")
            heard_BTD = heard_BTD + block(norm(heard_BTD), angles_TR)
        told: Tensor = self.final_norm(heard_BTD)
        return told


def rotated(heads_BHTd: Tensor, angles_TR: Tensor) -> Tensor:
    """Heads [B, H, T, 64] whose first 2 R numbers, two and two, are turned by the angles of their frame."""
    turned, left = heads_BHTd.float().split([2 * angles_TR.shape[1], HEAD - 2 * angles_TR.shape[1]], dim=-1)
    even, odd = turned.unflatten(-1, (-1, 2)).unbind(dim=-1)
    cos, sin = angles_TR.cos(), angles_TR.sin()
    pairs = torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1)
    return torch.cat([pairs.flatten(-2), left], dim=-1).type_as(heads_BHTd)
