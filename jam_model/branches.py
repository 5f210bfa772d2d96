"""The velocity of one request, taken apart by guidance branch (B guided, T, D): what stays constant over the steps, and what each step computes.

The input layer, the first convolution and the lyric injections are linear in parts that never change, so
those parts are computed once for every guidance branch; a step adds the noisy latents and the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from jam_model.conditions import Conditions
from jam_model.config import GuidanceBranch
from jam_model.dit import DiT
from jam_model.modules import rotary_tables

# B batch, T frames, C channels, S style width, D model width, G guidance branches, E velocity evaluations


class Constants(NamedTuple):
    """What all steps share; branches with lyrics (the first `num_sung`) stand before those without."""

    num_sung: int
    latent_weight: Tensor
    fused_GBTD: Tensor  # the input layer without latents and time
    conv_GBDT: Tensor  # its first convolution, without the bias
    sung_BTD: tuple[Tensor, ...]  # lyric injection of each of the first layers
    unsung_BTD: tuple[Tensor, ...]
    rotary: tuple[Tensor, Tensor]


class Times(NamedTuple):
    """What changes from one evaluation to the next, for all evaluations."""

    input_ED: Tensor
    modulation_EBM: Tensor


def constants_of(
    dit: DiT,
    conditions: Conditions,
    num_frames: int,
    branches: Sequence[GuidanceBranch],
    negative_style_S: Tensor,
    padding_bias: bool,
) -> Constants:
    """Everything that does not change over the steps, for the first `num_frames` frames of the lyrics.

    Lyrics are embedded whole before they are cut, since their encoder looks at all of them.
    """
    tokens_BL, duration_rel_B = conditions.lyric_tokens_BL, conditions.duration_rel_B
    latent, _, lyrics, _, time = dit.input_embed.weights()
    embeddings = {True: dit.lyric_embedding(tokens_BL, duration_rel_B, padding_bias)[:, :num_frames]}
    if not all(branch.lyrics for branch in branches):
        no_tokens = torch.zeros_like(tokens_BL[:1])
        embeddings[False] = dit.lyric_embedding(no_tokens, duration_rel_B, padding_bias)[:, :num_frames]
    injected = {
        kept: tuple(linear(embedding) for linear in dit.text_fusion_linears)
        for kept, embedding in embeddings.items()
    }
    lyrics_BTD = {kept: F.linear(embedding, lyrics) for kept, embedding in embeddings.items()}
    given, weights_BKT = conditions.styles(num_frames)
    reference = given.to(dit.dtype)
    negative_BS = negative_style_S.to(reference).expand_as(conditions.style_BS)
    styles = {
        True: dit.input_embed.styles(reference, weights_BKT),
        False: dit.input_embed.styles(negative_BS),
    }
    duration_B1D = F.linear(dit.duration_embedding(conditions), time).unsqueeze(1)
    fused = [lyrics_BTD[branch.lyrics] + (styles[branch.style] + duration_B1D) for branch in branches]
    controls_BTD = dit.control_embedding(conditions)
    if controls_BTD is not None and conditions.controls is not None:
        added = [branch.controls for branch in branches]
        fused = [
            one + controls_BTD[:, :num_frames] if adds else one
            for one, adds in zip(fused, added, strict=True)
        ]
    fused_GBTD = torch.stack(fused)
    positions = dit.input_embed.conv_pos_embed
    bias_D1 = positions.conv1d.get_parameter("0.bias").unsqueeze(1)
    conv_GBDT = (positions.first(fused_GBTD.flatten(0, 1)) - bias_D1).unflatten(0, fused_GBTD.shape[:2])
    dtype = injected[True][0].dtype if injected[True] else fused_GBTD.dtype
    return Constants(
        num_sung=sum(branch.lyrics for branch in branches),
        latent_weight=latent.contiguous(),
        fused_GBTD=fused_GBTD,
        conv_GBDT=conv_GBDT,
        sung_BTD=injected[True],
        unsung_BTD=injected.get(False, ()),
        rotary=rotary_tables(num_frames, dit.config.head_dim, tokens_BL.device, dtype),
    )


def times_of(dit: DiT, conditions: Conditions, times_E: Tensor) -> Times:
    """The time condition of every evaluation: in the input layer, and in the last norm."""
    time_EC = dit.time_embed(times_E)
    condition_EBC = time_EC.unsqueeze(1) + dit.duration_embedding(conditions)
    return Times(F.linear(time_EC, dit.input_embed.weights()[-1]), dit.norm_out.modulation(condition_EBC))


def velocity_of(
    dit: DiT, constants: Constants, x_BTC: Tensor, time_D: Tensor, modulation_BM: Tensor, num_branches: int
) -> Tensor:
    """Velocities of the first `num_branches` branches at one time, [G, B, T, C].

    The branches share the convolution of what moves.
    """
    shape, num_sung = (num_branches, len(x_BTC)), constants.num_sung
    positions = dit.input_embed.conv_pos_embed
    moving_BTD = F.linear(x_BTC.to(dit.dtype), constants.latent_weight) + time_D
    conv_GBDT = constants.conv_GBDT[:num_branches] + positions.first(moving_BTD)
    fused = (constants.fused_GBTD[:num_branches] + moving_BTD).flatten(0, 1)
    fused = fused + positions.rest(conv_GBDT.flatten(0, 1))

    def inject(layer: int, x_BTD: Tensor) -> Tensor:
        x_GBTD = x_BTD.unflatten(0, shape)
        x_GBTD[:num_sung] += constants.sung_BTD[layer]
        if num_branches > num_sung:
            x_GBTD[num_sung:] += constants.unsung_BTD[layer]
        return x_BTD

    velocity = dit.backbone(fused, inject, constants.rotary, modulation_BM.repeat(num_branches, 1))
    return velocity.unflatten(0, shape).to(x_BTC.dtype)
