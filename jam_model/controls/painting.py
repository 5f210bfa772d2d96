"""In- and outpainting: a control whose array is the song itself where it is kept, and a mask with holes; what is kept comes back exactly.

An array has 65 numbers a frame: the latent, or zeros where it is to be made, and 1 where it is kept, else 0 (latent 0 is a legal value).
Spans are drawn as JASCO masks (arXiv 2406.10970): 40 to 90 % of a song are to be made, inside it, around what is kept, or as several holes.

Shapes: B batch, T frames, C 64 latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

LEAST, MOST, MAX_HOLES = 0.4, 0.9, 4
"""Share of a song that is to be made, and the most holes it is in."""


@dataclass(frozen=True)
class Kept:
    """Where frames are kept, boolean [B, T], and their latents [B, T, C], zero elsewhere."""

    mask_BT: Tensor
    latents_BTC: Tensor


def packed(latents_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """The array of the control, [B, T, C + 1]."""
    mask_BT1 = mask_BT.unsqueeze(-1).to(latents_BTC.dtype)
    return torch.cat((latents_BTC * mask_BT1, mask_BT1), dim=-1)


def kept_of(painting_BTX: Tensor, given_B: Tensor) -> Kept:
    """What `packed` made, of the songs that have it."""
    mask_BT = (painting_BTX[..., -1] > 0) & given_B.unsqueeze(1)
    return Kept(mask_BT, painting_BTX[..., :-1] * mask_BT.unsqueeze(-1).to(painting_BTX.dtype))


def draw_mask(num_frames_B: Tensor, frames: int, generator: torch.Generator) -> Tensor:
    """Which frames are kept, boolean [B, T], none behind the end of a song of `num_frames_B`: all but one hole, one stretch alone, or
    all but two to four holes, a third of the songs each. Drawn on the generator's device.
    """
    mask_BT = torch.zeros(len(num_frames_B), frames, dtype=torch.bool)
    for mask_T, length in zip(mask_BT, num_frames_B.tolist(), strict=True):
        numbers = torch.rand(3 + 2 * MAX_HOLES + 1, generator=generator, device=generator.device)
        share, kind, count, *cuts = numbers.tolist()
        made = (LEAST + (MOST - LEAST) * share) * length
        is_outside, has_several = kind < 1 / 3, kind >= 2 / 3
        holes = 2 + int(count * (MAX_HOLES - 1)) if has_several else 1
        inner, outer = (length - made, made) if is_outside else (made, length - made)
        for number, (first, end) in enumerate(pairwise(_alternating(inner, outer, holes, cuts))):
            is_inner = number % 2 == 1
            mask_T[round(first) : round(end)] = is_inner == is_outside
    return mask_BT


def _alternating(inner: float, outer: float, holes: int, cuts: list[float]) -> list[float]:
    """The bounds of stretches that share `outer` and, between them, `inner`, in turns; by random numbers."""
    inners, outers = cuts[:holes], cuts[MAX_HOLES : MAX_HOLES + holes + 1]
    lengths = [outer * one / sum(outers) for one in outers]
    between = [inner * one / sum(inners) for one in inners]
    bounds = [0.0]
    for number, length in enumerate(lengths):
        bounds.append(bounds[-1] + length)
        if number < holes:
            bounds.append(bounds[-1] + between[number])
    return bounds
