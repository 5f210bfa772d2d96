"""Sings: integrates the velocity from noise to latents with classifier-free guidance.

The released sampler calls the whole model up to three times a step. Here everything that stays the
same over the steps is computed once, and the guidance branches run as one batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from jam_model.conditions import Conditions
from jam_model.dit import DiT, Jam
from jam_model.frames import LATENT_CHANNELS
from jam_model.modules import rotary_tables

# B batch, T frames, C channels, S style width, D model width, G guidance branches, N steps


class Branch(NamedTuple):
    """One call of the model: with or without lyrics, with the asked or the negative style."""

    lyrics: bool
    style: bool


ASKED = Branch(lyrics=True, style=True)


@dataclass(frozen=True)
class Guidance:
    """How far the conditions are pushed, and at which times.

    v(lyrics, style) with s- the negative style:
    `dual`        v(-, s-) + lyrics_scale [v(l, s-) - v(-, s-)] + style_scale [v(l, s) - v(l, s-)]
    `dual_fixed`  v(-, s-) + style_scale [v(-, s) - v(-, s-)] + lyrics_scale [v(l, s) - v(-, s)]
    `none`        v(l, s)
    Outside `interval` (closed, in times 0..1) always v(l, s).
    """

    style_scale: float
    lyrics_scale: float
    interval: tuple[float, float]
    formula: Literal["dual", "dual_fixed", "none"]

    def __post_init__(self) -> None:
        if self.formula not in ("dual", "dual_fixed", "none"):
            raise ValueError(f"guidance formula is {self.formula!r}; give dual, dual_fixed or none")

    @classmethod
    def single(cls, strength: float, interval: tuple[float, float]) -> Guidance:
        """v(l, s) + strength [v(l, s) - v(-, s-)]: both scales equal, so two branches are enough."""
        return cls(1 + strength, 1 + strength, interval, "dual")

    def branches(self) -> dict[Branch, float]:
        """The branches and their weights in the velocity, the asked one first, those with lyrics before
        those without; a branch of weight 0 is left out."""
        weights = {ASKED: 1.0}
        if self.formula == "dual":
            weights = {
                ASKED: self.style_scale,
                Branch(lyrics=True, style=False): self.lyrics_scale - self.style_scale,
                Branch(lyrics=False, style=False): 1 - self.lyrics_scale,
            }
        elif self.formula == "dual_fixed":
            weights = {
                ASKED: self.lyrics_scale,
                Branch(lyrics=False, style=True): self.style_scale - self.lyrics_scale,
                Branch(lyrics=False, style=False): 1 - self.style_scale,
            }
        return {branch: weight for branch, weight in weights.items() if weight or branch == ASKED}


def song_noise(
    seed: int, song_id: str, take: int, num_frames: int, channels: int = LATENT_CHANNELS
) -> Tensor:
    """Noise of one take, float32 [T, C]: the same on every machine and in every batch.

    Fewer frames of the same take are the first frames of more.
    """
    digest = hashlib.sha256(f"{seed}/{song_id}/{take}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest, "little"))
    return torch.from_numpy(generator.standard_normal((num_frames, channels), dtype=np.float32))


@torch.no_grad()
def sample(
    model: Jam,
    conditions: Conditions,
    noise_BTC: Tensor,
    num_points: int,
    guidance: Guidance,
    negative_style_S: Tensor,
    padding_bias: bool = True,
) -> Tensor:
    """Latents [B, T, C] sung from `noise_BTC` by Euler steps on `num_points` grid points from 0 to 1.

    That is num_points - 1 updates, as released. `padding_bias=False` sings without the learned mark of
    frames past the end (an ablation).

    Raises:
        ValueError: fewer than two grid points, or shapes that do not fit.
    """
    if num_points < 2:
        raise ValueError(f"num_points is {num_points}; give at least 2 (one update)")
    model.check(noise_BTC, conditions)
    if negative_style_S.shape[-1] != model.config.style_dim:
        raise ValueError(
            f"negative_style has shape {tuple(negative_style_S.shape)}; it should be ({model.config.style_dim},)"
        )
    times = torch.linspace(0, 1, num_points, device=noise_BTC.device)
    low, high = guidance.interval
    guided = ((times >= low) & (times <= high)).tolist()
    weights = guidance.branches()
    constants = _Constants(
        model.transformer,
        conditions,
        noise_BTC.shape[1],
        times[:-1],
        list(weights),
        negative_style_S,
        padding_bias,
    )
    x_BTC = noise_BTC.to(torch.promote_types(torch.float32, model.transformer.dtype))
    for step, delta in enumerate(times.diff()):
        branch_weights = list(weights.values()) if guided[step] else [1.0]
        velocity_GBTC = constants.velocity(x_BTC, step, len(branch_weights))
        velocity = sum(weight * part for weight, part in zip(branch_weights, velocity_GBTC, strict=True))
        x_BTC = x_BTC + delta * velocity
    return x_BTC


class _Constants:
    """Everything that stays the same over the steps, for all branches."""

    def __init__(
        self,
        dit: DiT,
        conditions: Conditions,
        num_frames: int,
        times_N: Tensor,
        branches: Sequence[Branch],
        negative_style_S: Tensor,
        padding_bias: bool,
    ) -> None:
        self.dit = dit
        tokens_BL, duration_rel_B = conditions.lyric_tokens_BL, conditions.duration_rel_B
        fusion = dit.input_embed
        latent, _, lyrics, style, time = fusion.weights()
        self.latent_weight = latent.contiguous()
        self.positions = fusion.conv_pos_embed

        duration_BC = dit.duration_embedding(conditions)
        time_NC = dit.time_embed(times_N)
        self.time_ND = F.linear(time_NC, time)
        self.modulation_NBM = dit.norm_out.modulation(time_NC.unsqueeze(1) + duration_BC)
        self.rotary = rotary_tables(num_frames, dit.config.head_dim, time_NC.device, dit.dtype)

        embeddings = {True: dit.lyric_embedding(tokens_BL, duration_rel_B, padding_bias)}
        if not all(branch.lyrics for branch in branches):
            no_tokens = torch.zeros_like(tokens_BL[:1])
            embeddings[False] = dit.lyric_embedding(no_tokens, duration_rel_B, padding_bias)
        self.injected = {
            kept: [linear(embedding) for linear in dit.text_fusion_linears]
            for kept, embedding in embeddings.items()
        }
        lyrics_BTD = {kept: F.linear(embedding, lyrics) for kept, embedding in embeddings.items()}
        asked_BS = conditions.style_BS.to(dit.dtype)
        negative_BS = negative_style_S.to(asked_BS).expand_as(asked_BS)
        style_BD = {
            kept: F.linear(vector, style, fusion.proj.bias)
            for kept, vector in ((True, asked_BS), (False, negative_BS))
        }
        duration_BD = F.linear(duration_BC, time)
        self.num_sung = sum(branch.lyrics for branch in branches)
        self.fused_GBTD = torch.stack(
            [
                lyrics_BTD[branch.lyrics] + (style_BD[branch.style] + duration_BD).unsqueeze(1)
                for branch in branches
            ]
        )
        bias_D1 = self.positions.conv1d.get_parameter("0.bias").unsqueeze(1)
        conv_BDT = self.positions.first(self.fused_GBTD.flatten(0, 1)) - bias_D1
        self.conv_GBDT = conv_BDT.unflatten(0, self.fused_GBTD.shape[:2])

    def velocity(self, x_BTC: Tensor, step: int, num_branches: int) -> Tensor:
        """Velocities of the first `num_branches` branches at the time of `step`, [G, B, T, C].

        The first convolution is linear, so its constant part is computed once and the rest is shared
        by the branches.
        """
        shape = (num_branches, len(x_BTC))
        moving_BTD = F.linear(x_BTC.to(self.dit.dtype), self.latent_weight) + self.time_ND[step]
        conv_GBDT = self.conv_GBDT[:num_branches] + self.positions.first(moving_BTD)
        fused = (self.fused_GBTD[:num_branches] + moving_BTD).flatten(0, 1)
        fused += self.positions.rest(conv_GBDT.flatten(0, 1))
        modulation_BM = self.modulation_NBM[step].repeat(num_branches, 1)

        def inject(layer: int, x_BTD: Tensor) -> Tensor:
            x_GBTD = x_BTD.unflatten(0, shape)
            x_GBTD[: self.num_sung] += self.injected[True][layer]
            if num_branches > self.num_sung:
                x_GBTD[self.num_sung :] += self.injected[False][layer]
            return x_BTD

        return (
            self.dit.backbone(fused, inject, self.rotary, modulation_BM).unflatten(0, shape).to(x_BTC.dtype)
        )
