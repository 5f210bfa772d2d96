"""The JAM diffusion transformer (`DiT`, `Jam`): noisy latents, time and conditions fused and embedded in, velocity out.

A rewrite of the released model (declare-lab/jamify, dit.py) without transformers, computing the same
numbers under the same parameter names. Paper: arXiv 2507.20880.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from jam_model.conditions import Conditions
from jam_model.config import JamConfig
from jam_model.controls.network import ControlFusion
from jam_model.lyric_grid import SLOTS_PER_FRAME
from jam_model.modules import (
    Block,
    FinalNorm,
    InputFusion,
    LyricEncoder,
    ScalarEmbedding,
    rotary_tables,
)

# B batch, T frames, L lyric slots (4 T), C channels or condition width, S style width, D model width

Injection = Callable[[int, Tensor], Tensor]
"""(layer, x_BTD) -> x_BTD with that layer's lyrics added."""


class DiT(nn.Module):
    """The network. `Jam` drives it for training, sampler.py takes it apart to compute constants once."""

    duration_pad_bias: Tensor

    def __init__(self, config: JamConfig) -> None:
        super().__init__()
        self.config = config
        if config.use_implicit_duration:
            self.duration_pad_bias = nn.Parameter(torch.zeros(config.text_dim))
        self.time_embed = ScalarEmbedding(config.text_dim)
        self.start_time_embed = ScalarEmbedding(config.text_dim)
        self.duration_abs_embed = ScalarEmbedding(config.text_dim)
        self.duration_rel_embed = ScalarEmbedding(config.text_dim)
        self.text_embed = LyricEncoder(config.num_text_embeddings, config.text_dim, config.text_layers)
        self.input_embed = InputFusion(config.latent_channels, config.text_dim, config.style_dim, config.dim)
        self.transformer_blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.dim * config.ff_mult) for _ in range(config.depth)
        )
        self.text_fusion_linears = nn.ModuleList(
            nn.Sequential(nn.Linear(config.text_dim, config.dim), nn.SiLU()) for _ in range(config.depth // 2)
        )
        for parameter in self.text_fusion_linears.parameters():
            nn.init.zeros_(parameter)
        self.norm_out = FinalNorm(config.dim, config.text_dim)
        self.proj_out = nn.Linear(config.dim, config.latent_channels)
        self.control_fusion = ControlFusion(config.controls, config.dim) if config.controls else None
        self.gradient_checkpointing = False

    @property
    def dtype(self) -> torch.dtype:
        return self.proj_out.weight.dtype

    def lyric_embedding(self, tokens_BL: Tensor, duration_rel_B: Tensor, padding_bias: bool = True) -> Tensor:
        """Lyrics, one vector a frame [B, T, C]; frames past the song's end get the padding bias.

        A batch of one sequence of tokens serves all rows of `duration_rel_B`.
        """
        lyrics_BTC = self.text_embed(tokens_BL)
        if not (padding_bias and self.config.use_implicit_duration):
            return lyrics_BTC.expand(len(duration_rel_B), -1, -1)
        frame_T = torch.arange(lyrics_BTC.shape[1], device=tokens_BL.device)
        end_B = (self.config.max_frames * duration_rel_B).long()
        past_end_BT = frame_T >= end_B.unsqueeze(1)
        return lyrics_BTC + self.duration_pad_bias * past_end_BT.unsqueeze(-1)

    def duration_embedding(self, conditions: Conditions) -> Tensor:
        """Where and how long: the part of the time condition that does not change over the steps, [B, C]."""
        return (
            self.start_time_embed(conditions.start_time_B)
            + self.duration_abs_embed(conditions.duration_abs_B)
            + self.duration_rel_embed(conditions.duration_rel_B)
        )

    def control_embedding(
        self, conditions: Conditions, keep: Mapping[str, Tensor] | None = None
    ) -> Tensor | None:
        """What the controls of songs add to the fused input, [B, T, D]; None of a model without controls.

        `keep`: which songs keep theirs, boolean [B] by name; None: all.
        """
        if self.control_fusion is None:
            return None
        given = conditions.controls_given
        if given is not None and keep is not None:
            given = {
                name: given_B & keep[name] if name in keep else given_B for name, given_B in given.items()
            }
        return self.control_fusion(conditions.controls, given)

    def backbone(
        self, x_BTD: Tensor, inject: Injection, rotary: tuple[Tensor, Tensor], modulation_BM: Tensor
    ) -> Tensor:
        """Fused input to velocity [B, T, C]: the layers, lyrics injected after each of the first half."""
        for layer, block in enumerate(self.transformer_blocks):
            if self.gradient_checkpointing and self.training:
                x_BTD = checkpoint(block, x_BTD, rotary, use_reentrant=False)
            else:
                x_BTD = block(x_BTD, rotary)
            if layer < len(self.text_fusion_linears):
                x_BTD = inject(layer, x_BTD)
        return self.proj_out(self.norm_out(x_BTD, modulation_BM))

    def forward(
        self,
        x_BTC: Tensor,
        time_B: Tensor,
        lyrics_BTC: Tensor,
        style_BS: Tensor,
        duration_BC: Tensor,
        reference_BTC: Tensor | None = None,
        controls_BTD: Tensor | None = None,
        part_weights_BKT: Tensor | None = None,
    ) -> Tensor:
        """`style_BS`: [B, K, S] with the weights of parts."""
        time_BC = self.time_embed(time_B) + duration_BC
        fused = self.input_embed(
            x_BTC, reference_BTC, lyrics_BTC, style_BS, time_BC, controls_BTD, part_weights_BKT
        )
        rotary = rotary_tables(x_BTC.shape[1], self.config.head_dim, fused.device, fused.dtype)

        def inject(layer: int, x_BTD: Tensor) -> Tensor:
            return x_BTD + self.text_fusion_linears[layer](lyrics_BTC)

        return self.backbone(fused, inject, rotary, self.norm_out.modulation(time_BC))


class Jam(nn.Module):
    """JAM: `DiT` under the name the released checkpoint gives it, called with `Conditions`."""

    def __init__(self, config: JamConfig) -> None:
        super().__init__()
        self.config = config
        self.transformer = DiT(config)

    def forward(
        self,
        x_BTC: Tensor,
        time_B: Tensor,
        conditions: Conditions,
        keep_lyrics_B: Tensor | None = None,
        keep_style_B: Tensor | None = None,
        reference_BTC: Tensor | None = None,
        keep_controls: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Velocity [B, T, C] at `x_BTC` and time in [0, 1] (0 noise, 1 data).

        `keep_*_B` are boolean, False = dropped: lyrics become token 0, style the zero vector. `keep_controls`: the
        same of each control by its name; dropped, it adds nothing.
        `reference_BTC` is the released model's unused slot for reference audio (None = zero).

        Raises:
            ValueError: shapes do not fit each other or the config.
        """
        self.check(x_BTC, conditions)
        given, weights_BKT = conditions.styles()
        style = given.to(x_BTC.dtype)
        if keep_style_B is not None:
            style = style * keep_style_B.view(-1, *[1] * (style.ndim - 1))
        lyrics_BTC = self.lyric_embedding(conditions, keep_lyrics_B)
        duration_BC = self.transformer.duration_embedding(conditions)
        controls_BTD = self.transformer.control_embedding(conditions, keep_controls)
        return self.transformer(
            x_BTC, time_B, lyrics_BTC, style, duration_BC, reference_BTC, controls_BTD, weights_BKT
        )

    def lyric_embedding(
        self, conditions: Conditions, keep_lyrics_B: Tensor | None = None, padding_bias: bool = True
    ) -> Tensor:
        """Lyrics as the model sees them, one vector a frame: [B, T, C]."""
        tokens_BL = conditions.lyric_tokens_BL
        if keep_lyrics_B is not None:
            tokens_BL = tokens_BL * keep_lyrics_B.unsqueeze(1)
        return self.transformer.lyric_embedding(tokens_BL, conditions.duration_rel_B, padding_bias)

    def check(self, x_BTC: Tensor, conditions: Conditions, whole: bool = True) -> None:
        """Refuses latents and conditions that do not fit; not `whole`: the lyrics may go on after the latents.

        Raises:
            ValueError: names the tensor, its shape and the shape it should have.
        """
        batch, frames, _ = x_BTC.shape
        slots = SLOTS_PER_FRAME * frames
        if not whole:
            slots = max(slots, conditions.lyric_tokens_BL.shape[1])
        shapes = {
            "latents": (x_BTC, (batch, frames, self.config.latent_channels)),
            "lyric_tokens": (conditions.lyric_tokens_BL, (batch, slots)),
            "style": (conditions.style_BS, (batch, self.config.style_dim)),
            "start_time": (conditions.start_time_B, (batch,)),
            "duration_abs": (conditions.duration_abs_B, (batch,)),
            "duration_rel": (conditions.duration_rel_B, (batch,)),
        }
        for name, tensor in (conditions.controls or {}).items():
            if name not in self.config.controls:
                known = ", ".join(self.config.controls) or "none"
                raise ValueError(f"control {name} is asked for, this model knows {known}; leave it out")
            shapes[f"control {name}"] = tensor, (batch, slots // SLOTS_PER_FRAME, *tensor.shape[2:])
        shapes |= conditions.part_shapes(slots // SLOTS_PER_FRAME)
        for name, (tensor, shape) in shapes.items():
            if tuple(tensor.shape) != shape:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}; it should be {shape}")
        if frames > self.config.max_frames:
            raise ValueError(f"{frames} frames exceed max_frames {self.config.max_frames}; crop the song")
