"""The parts of the JAM DiT, with the released checkpoint's parameter names: rotary positions, lyric encoder, ConvNeXt and attention blocks.

Two of them are written as Llama's decoder layer: RMSNorm, rotary positions, gated SiLU MLP, no biases.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jam_model.config import CONV_GROUPS

# B batch, T frames, L lyric slots (4 T), C condition width, D model width, H heads, K head width

ROTARY_BASE = 10_000.0
NORM_EPS = 1e-6
TIME_FREQUENCIES = 128
CONV_KERNEL = 31


def position_angles(num_positions: int, width: int, device: torch.device) -> Tensor:
    """Angle of every position at the rotary frequencies: float32 [num_positions, width / 2].

    Frequencies are always computed on the CPU: at position 20,000 their last bit matters.
    """
    frequencies = 1.0 / (ROTARY_BASE ** (torch.arange(0, width, 2, device="cpu").float() / width))
    return torch.outer(torch.arange(num_positions, device=device).float(), frequencies.to(device))


def rotary_tables(
    num_frames: int, head_dim: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary embedding, [T, K / 2] each, for `rotate`."""
    angles = position_angles(num_frames, head_dim, device)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x_BHTK: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions as Llama pairs them: channel k with channel k + K / 2."""
    cos, sin = rotary
    left, right = x_BHTK.chunk(2, dim=-1)
    turned = torch.addcmul(left * cos, right, sin, value=-1), torch.addcmul(right * cos, left, sin)
    return torch.cat(turned, dim=-1)


class ScalarEmbedding(nn.Module):
    """A number (time in 0..1, or a duration) as a vector: sinusoids of 1000 x, then a small MLP."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(
            nn.Linear(2 * TIME_FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, x_B: Tensor) -> Tensor:
        steps = torch.arange(TIME_FREQUENCIES, device=x_B.device).float()
        frequencies = torch.exp(steps * -(math.log(10_000) / (TIME_FREQUENCIES - 1)))
        angles = 1000 * x_B.unsqueeze(1) * frequencies.unsqueeze(0)
        sinusoids = torch.cat((angles.sin(), angles.cos()), dim=-1)
        return self.time_mlp(sinusoids.to(next(self.time_mlp.parameters()).dtype))


class GlobalResponseNorm(nn.Module):
    """Scales channels by their energy over the whole sequence (ConvNeXt V2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x_BLC: Tensor) -> Tensor:
        power = x_BLC.square().sum(dim=1, keepdim=True)  # torch's vector norm is many times slower on a CPU
        energy = power.clamp_min(torch.finfo(power.dtype).tiny).sqrt()  # which has no gradient at zero
        response = energy / (energy.mean(dim=-1, keepdim=True) + 1e-6)
        return torch.addcmul(self.beta, x_BLC, 1 + self.gamma * response)


class ConvNextBlock(nn.Module):
    """ConvNeXt V2 block over the lyric slots: depthwise convolution of 7, then a gated-energy MLP."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, kernel_size=7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.pwconv1 = nn.Linear(width, 2 * width)
        self.grn = GlobalResponseNorm(2 * width)
        self.pwconv2 = nn.Linear(2 * width, width)

    def forward(self, x_BLC: Tensor) -> Tensor:
        hidden = self.dwconv(x_BLC.transpose(1, 2)).transpose(1, 2)
        hidden = F.gelu(self.pwconv1(self.norm(hidden)))
        return x_BLC + self.pwconv2(self.grn(hidden))


class LyricEncoder(nn.Module):
    """Lyric tokens, four slots a frame, to one vector a frame."""

    def __init__(self, num_embeddings: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.text_embed = nn.Embedding(num_embeddings + 1, width)
        self.text_blocks = nn.Sequential(*(ConvNextBlock(width) for _ in range(num_layers)))
        self.downsample_blocks = nn.Sequential(
            *(nn.Conv1d(width, width, kernel_size=4, stride=2, padding=1) for _ in range(2))
        )

    def forward(self, tokens_BL: Tensor) -> Tensor:
        embedded = self.text_embed(tokens_BL)
        angles = position_angles(tokens_BL.shape[1], embedded.shape[-1], tokens_BL.device)
        positions = torch.cat((angles.cos(), angles.sin()), dim=-1).to(embedded.dtype)
        hidden = self.text_blocks(embedded + positions)
        return self.downsample_blocks(hidden.transpose(1, 2)).transpose(1, 2)


class ConvPositionEmbedding(nn.Module):
    """Two grouped convolutions that tell a frame where it stands among its neighbours."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1d = nn.Sequential(
            nn.Conv1d(dim, dim, CONV_KERNEL, padding=CONV_KERNEL // 2, groups=CONV_GROUPS),
            nn.Mish(),
            nn.Conv1d(dim, dim, CONV_KERNEL, padding=CONV_KERNEL // 2, groups=CONV_GROUPS),
            nn.Mish(),
        )

    def first(self, x_BTD: Tensor) -> Tensor:
        """The first convolution alone, [B, D, T]: the linear part, which a sum of inputs may share."""
        return self.conv1d[0](x_BTD.transpose(1, 2))

    def rest(self, x_BDT: Tensor) -> Tensor:
        """What follows the first convolution, [B, T, D]."""
        return self.conv1d[1:](x_BDT).transpose(1, 2)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.rest(self.first(x_BTD))


class InputFusion(nn.Module):
    """One linear layer over [latent | reference audio | lyrics | style | time], then positions.

    The weight is applied slice by slice: style and time are the same for all frames, so their part is
    computed once a song, and reference audio (zero in JAM) costs nothing.
    """

    def __init__(self, latent_channels: int, text_dim: int, style_dim: int, dim: int) -> None:
        super().__init__()
        self.widths = (latent_channels, latent_channels, text_dim, style_dim, text_dim)
        self.proj = nn.Linear(sum(self.widths), dim)
        self.conv_pos_embed = ConvPositionEmbedding(dim)

    def weights(self) -> tuple[Tensor, ...]:
        """The slices of the weight for latent, reference, lyrics, style and time."""
        return self.proj.weight.split(self.widths, dim=1)

    def styles(self, style: Tensor, part_weights_BKT: Tensor | None = None) -> Tensor:
        """The part of style, with the bias: [B, 1, D] of one style a song, [B, S].

        [B, T, D] of the styles of parts, [B, K, S]: each is projected and the projections are mixed by frame, which is the
        projection of the mixed styles, since nothing before it is other than linear, at T / K of the products.
        """
        projected = F.linear(style, self.weights()[3], self.proj.bias)
        if part_weights_BKT is None:
            return projected.unsqueeze(1)
        if projected.shape[1] == 1:
            return projected
        return part_weights_BKT.transpose(1, 2).to(projected.dtype) @ projected

    def forward(
        self,
        x_BTC: Tensor,
        reference_BTC: Tensor | None,
        lyrics_BTC: Tensor,
        style_BS: Tensor,
        time_BC: Tensor,
        controls_BTD: Tensor | None = None,
        part_weights_BKT: Tensor | None = None,
    ) -> Tensor:
        latent, reference, lyrics, _, time = self.weights()
        style_and_time = self.styles(style_BS, part_weights_BKT) + F.linear(time_BC, time).unsqueeze(1)
        fused = F.linear(x_BTC, latent) + F.linear(lyrics_BTC, lyrics) + style_and_time
        if reference_BTC is not None:
            fused = fused + F.linear(reference_BTC, reference)
        if controls_BTD is not None:
            fused = fused + controls_BTD
        return self.conv_pos_embed(fused) + fused


class RmsNorm(nn.Module):
    """Root-mean-square norm, computed in float32 as Llama does."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x_BTD: Tensor) -> Tensor:
        return F.rms_norm(x_BTD, self.weight.shape, self.weight.to(x_BTD.dtype), NORM_EPS)


class Attention(nn.Module):
    """Full (not causal) self-attention with rotary positions."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim, bias=False)
        self.k_proj = nn.Linear(dim, dim, bias=False)
        self.v_proj = nn.Linear(dim, dim, bias=False)
        self.o_proj = nn.Linear(dim, dim, bias=False)

    def forward(self, x_BTD: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        query, key, value = (
            projection(x_BTD).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed_BHTK = F.scaled_dot_product_attention(rotate(query, rotary), rotate(key, rotary), value)
        return self.o_proj(mixed_BHTK.transpose(1, 2).flatten(2))


class GatedMlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dim, hidden, bias=False)
        self.up_proj = nn.Linear(dim, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, dim, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x_BTD)) * self.up_proj(x_BTD))


class Block(nn.Module):
    """One Llama decoder layer; conditions do not reach inside it."""

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = Attention(dim, heads)
        self.mlp = GatedMlp(dim, hidden)
        self.input_layernorm = RmsNorm(dim)
        self.post_attention_layernorm = RmsNorm(dim)

    def forward(self, x_BTD: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        x_BTD = x_BTD + self.self_attn(self.input_layernorm(x_BTD), rotary)
        return x_BTD + self.mlp(self.post_attention_layernorm(x_BTD))


class FinalNorm(nn.Module):
    """Layer norm whose scale and shift come from the time condition: the only modulation in JAM."""

    def __init__(self, dim: int, condition_width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(condition_width, 2 * dim)

    def modulation(self, time_BC: Tensor) -> Tensor:
        """Scale and shift side by side, [B, 2 D]."""
        return self.linear(F.silu(time_BC))

    def forward(self, x_BTD: Tensor, modulation_BM: Tensor) -> Tensor:
        scale_BD, shift_BD = modulation_BM.chunk(2, dim=-1)
        normed = F.layer_norm(x_BTD, x_BTD.shape[-1:], eps=NORM_EPS)
        return normed * (1 + scale_BD).unsqueeze(1) + shift_BD.unsqueeze(1)
