"""Rectified flow: the training loss (`flow_loss`) between drawn noise and latents, with conditions and controls dropped per sample.

Between noise e (t = 0) and data z (t = 1): x_t = (1 - t) e + t z, and the model learns z - e.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from jam_model.conditions import Conditions
from jam_model.config import Dropout
from jam_model.controls.dropout import ControlDropout
from jam_model.controls.known import PAINTING
from jam_model.controls.painting import kept_of
from jam_model.dit import Jam
from jam_model.order import WHOLE, Part

# B batch, T frames, C channels


@dataclass(frozen=True)
class FlowDraw:
    """What a training step draws: noise, times and the conditions kept; `keep_controls` by name, None: all."""

    noise_BTC: Tensor
    time_B: Tensor
    keep_lyrics_B: Tensor
    keep_style_B: Tensor
    keep_controls: Mapping[str, Tensor] | None = None


def draw_flow(
    latents_BTC: Tensor,
    dropout: Dropout,
    generator: torch.Generator,
    control_dropout: ControlDropout | None = None,
    part: Part = WHOLE,
) -> FlowDraw:
    """Noise, t = sigmoid(N(0, 1)) and dropout for a batch, that of controls last, on the latents' device.

    Drawn in float32 on the generator's device, so a CPU generator gives the same numbers everywhere; for the whole batch that
    the latents are a `part` of.
    """
    batch, device = part.whole(len(latents_BTC)), generator.device
    noise = torch.randn((batch, *latents_BTC.shape[1:]), generator=generator, device=device)
    time = torch.randn(batch, generator=generator, device=device).sigmoid()
    keep_lyrics_B, keep_style_B = dropout.draw(batch, generator)
    keep = control_dropout.draw(batch, generator) if control_dropout else {}
    place, mine = latents_BTC.device, part.of(len(latents_BTC))
    return FlowDraw(
        noise[mine].to(latents_BTC),
        time[mine].to(latents_BTC),
        keep_lyrics_B[mine].to(place),
        keep_style_B[mine].to(place),
        {name: keep_B[mine].to(place) for name, keep_B in keep.items()} or None,
    )


def flow_error(
    model: Jam,
    latents_BTC: Tensor,
    conditions: Conditions,
    draw: FlowDraw,
    num_frames_B: Tensor | None = None,
) -> Tensor:
    """Mean squared velocity error of each sample over frames and channels, [B].

    Over all frames, padding included, or over the first `num_frames_B` of each sample; where some are kept (painting), over those
    that are not.
    """
    time_B11 = draw.time_B[:, None, None]
    x_BTC = (1 - time_B11) * draw.noise_BTC + time_B11 * latents_BTC
    velocity_BTC = model(
        x_BTC,
        draw.time_B,
        conditions,
        draw.keep_lyrics_B,
        draw.keep_style_B,
        keep_controls=draw.keep_controls,
    )
    target_BTC = latents_BTC - draw.noise_BTC
    error_BTC = (velocity_BTC.to(target_BTC.dtype) - target_BTC).square()
    made_BT = _made(conditions, draw)
    if made_BT is not None:
        return (error_BTC.mean(dim=2) * made_BT).sum(dim=1) / made_BT.sum(dim=1).clamp_min(1)
    if num_frames_B is None:
        return error_BTC.mean(dim=(1, 2))
    frame_T = torch.arange(error_BTC.shape[1], device=error_BTC.device)
    within_BT = frame_T < num_frames_B[:, None]
    return (error_BTC.mean(dim=2) * within_BT).sum(dim=1) / num_frames_B


def _made(conditions: Conditions, draw: FlowDraw) -> Tensor | None:
    """Frames that a sample does not keep, [B, T]; None where no sample keeps any."""
    if PAINTING not in (conditions.controls or {}) or conditions.controls_given is None:
        return None
    given_B = conditions.controls_given[PAINTING]
    if draw.keep_controls is not None:
        given_B = given_B & draw.keep_controls[PAINTING]
    if not given_B.any():
        return None
    assert conditions.controls is not None
    return ~kept_of(conditions.controls[PAINTING], given_B).mask_BT


@dataclass(frozen=True)
class FlowLoss:
    """`loss` carries gradients; the rest is for the log."""

    loss: Tensor
    per_sample_B: Tensor  # unweighted errors
    time_B: Tensor


def flow_loss(
    model: Jam,
    latents_BTC: Tensor,
    conditions: Conditions,
    dropout: Dropout,
    generator: torch.Generator,
    time_weight: bool = False,
    control_dropout: ControlDropout | None = None,
    part: Part = WHOLE,
) -> FlowLoss:
    """Rectified-flow loss of a batch, or a `part` of one; `time_weight` multiplies each sample by 1 + t (JASCO)."""
    draw = draw_flow(latents_BTC, dropout, generator, control_dropout, part)
    per_sample_B = flow_error(model, latents_BTC, conditions, draw)
    weighted_B = (1 + draw.time_B) * per_sample_B if time_weight else per_sample_B
    return FlowLoss(weighted_B.mean(), per_sample_B.detach(), draw.time_B)
