"""The released model's formulae in plain torch: what a step computed before anything was shared or left out.

For machines without transformers and without a clone of declare-lab/jamify (at be6c0d2, read for the formulae).
Over the weights of a `Jam`: every call embeds the lyrics anew, one linear layer takes latents, reference audio, lyrics,
style and time side by side, attention is given a mask of all frames, and guidance is three calls.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from jam_model.conditions import Conditions
from jam_model.config import Guidance
from jam_model.dit import Jam
from jam_model.flow import FlowDraw
from jam_model.modules import NORM_EPS, Attention, Block, ConvNextBlock, LyricEncoder, position_angles

# B batch, T frames, L lyric slots, C channels, S style width, D model width


def released_velocity(
    jam: Jam,
    x_BTC: Tensor,
    time_B: Tensor,
    conditions: Conditions,
    style_BS: Tensor,
    keep_lyrics: bool = True,
) -> Tensor:
    """Velocity [B, T, C] of one whole call of the model."""
    dit, (batch, frames, _) = jam.transformer, x_BTC.shape
    tokens_BL = conditions.lyric_tokens_BL if keep_lyrics else torch.zeros_like(conditions.lyric_tokens_BL)
    lyrics_BTC = _lyrics(dit.text_embed, tokens_BL)
    if dit.config.use_implicit_duration:
        ends_B = (dit.config.max_frames * conditions.duration_rel_B).long()
        past_BT = torch.arange(frames, device=x_BTC.device)[None] >= ends_B[:, None]
        lyrics_BTC = lyrics_BTC + dit.duration_pad_bias[None, None] * past_BT.unsqueeze(-1)
    time_BC = dit.time_embed(time_B) + dit.duration_embedding(conditions)
    every_frame = [vector.unsqueeze(1).repeat(1, frames, 1) for vector in (style_BS, time_BC)]
    fused = dit.input_embed.proj(
        torch.cat((x_BTC, torch.zeros_like(x_BTC), lyrics_BTC, *every_frame), dim=-1)
    )
    x_BTD = dit.input_embed.conv_pos_embed(fused) + fused
    angles = position_angles(frames, dit.config.head_dim, x_BTD.device).repeat(1, 2)
    rotary = angles.cos().to(x_BTD.dtype), angles.sin().to(x_BTD.dtype)
    mask = torch.zeros(batch, 1, frames, frames, dtype=x_BTD.dtype, device=x_BTD.device)
    for layer, block in enumerate(dit.transformer_blocks):
        x_BTD = _block(block, x_BTD, rotary, mask)
        if layer < len(dit.text_fusion_linears):
            x_BTD = x_BTD + dit.text_fusion_linears[layer](lyrics_BTC)
    return dit.proj_out(dit.norm_out(x_BTD, dit.norm_out.modulation(time_BC)))


@torch.no_grad()
def released_sample(
    jam: Jam,
    conditions: Conditions,
    noise_BTC: Tensor,
    num_steps: int,
    guidance: Guidance,
    negative_S: Tensor,
) -> Tensor:
    """Latents [B, T, C] by Euler's method and guidance `dual`, whole calls one after the other."""
    asked_BS, negative_BS = conditions.style_BS, negative_S.expand_as(conditions.style_BS)
    times_N = torch.linspace(0, 1, num_steps + 1, device=noise_BTC.device)
    low, high = guidance.interval
    x_BTC = noise_BTC
    for now, then in pairwise(times_N):
        time_B = now.expand(len(noise_BTC))
        velocity = released_velocity(jam, x_BTC, time_B, conditions, asked_BS)
        if low <= now <= high:
            lyrics = released_velocity(jam, x_BTC, time_B, conditions, negative_BS)
            nothing = released_velocity(jam, x_BTC, time_B, conditions, negative_BS, keep_lyrics=False)
            velocity = (
                guidance.style_guidance_scale * (velocity - lyrics)
                + guidance.lyrics_guidance_scale * (lyrics - nothing)
                + nothing
            )
        x_BTC = x_BTC + (then - now) * velocity
    return x_BTC


def released_loss(jam: Jam, latents_BTC: Tensor, conditions: Conditions, draw: FlowDraw) -> Tensor:
    """Mean squared error of the velocity, over a batch that keeps all its conditions."""
    time_B11 = draw.time_B[:, None, None]
    x_BTC = (1 - time_B11) * draw.noise_BTC + time_B11 * latents_BTC
    velocity_BTC = released_velocity(jam, x_BTC, draw.time_B, conditions, conditions.style_BS)
    return F.mse_loss(velocity_BTC, latents_BTC - draw.noise_BTC, reduction="none").mean()


def _lyrics(encoder: LyricEncoder, tokens_BL: Tensor) -> Tensor:
    embedded = encoder.text_embed(tokens_BL)
    angles = position_angles(tokens_BL.shape[1], embedded.shape[-1], tokens_BL.device)
    hidden = embedded + torch.cat((angles.cos(), angles.sin()), dim=-1)
    for block in encoder.text_blocks:
        hidden = hidden + _conv_next(block, hidden)
    return encoder.downsample_blocks(hidden.transpose(1, 2)).transpose(1, 2)


def _conv_next(block: ConvNextBlock, x_BLC: Tensor) -> Tensor:
    hidden = block.dwconv(x_BLC.transpose(1, 2)).transpose(1, 2)
    hidden = F.gelu(block.pwconv1(block.norm(hidden)))
    energy = torch.norm(hidden, p=2, dim=1, keepdim=True)
    response = energy / (energy.mean(dim=-1, keepdim=True) + 1e-6)
    return block.pwconv2(block.grn.gamma * (hidden * response) + block.grn.beta + hidden)


def _block(block: Block, x_BTD: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
    x_BTD = x_BTD + _attention(block.self_attn, _rms(block.input_layernorm.weight, x_BTD), rotary, mask)
    return x_BTD + block.mlp(_rms(block.post_attention_layernorm.weight, x_BTD))


def _rms(weight: Tensor, x_BTD: Tensor) -> Tensor:
    wide = x_BTD.float()
    return weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + NORM_EPS)).to(x_BTD.dtype)


def _attention(attention: Attention, x_BTD: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
    query, key, value = (
        projection(x_BTD).unflatten(-1, (attention.heads, -1)).transpose(1, 2)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    query, key = (_turned(part, rotary) for part in (query, key))
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask.to(query.dtype))
    return attention.o_proj(mixed.transpose(1, 2).flatten(2))


def _turned(x_BHTK: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    left, right = x_BHTK.chunk(2, dim=-1)
    return (x_BHTK * rotary[0] + torch.cat((-right, left), dim=-1) * rotary[1]).to(x_BHTK.dtype)
