"""Direct preference optimisation of a flow model (`dpo_loss`): the winner's error down against the loser's, beside a reference's; other terms.

With l(z) the flow error of a latent and D = l(win) - l(lose), under the same noise, time and dropout:
L = softplus(beta / 2 (D_policy - D_reference)) + term_weight * l_policy(truth or win).
Source: jamify's dpo_cfm.py; Diffusion-DPO, arXiv 2311.12908, equation 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from jam_model.conditions import Conditions
from jam_model.config import Dropout
from jam_model.dit import Jam
from jam_model.flow import FlowDraw, draw_flow, flow_error
from jam_model.order import WHOLE, Part

# B batch, T frames, C channels


@dataclass(frozen=True)
class PreferenceLoss:
    """`loss` carries gradients; the rest is for the log, means over the batch."""

    loss: Tensor
    accuracy: Tensor  # share of pairs the policy tells apart better than the reference
    margin: Tensor  # D_reference - D_policy: above 0 = moved towards the better candidate
    win_error: Tensor
    lose_error: Tensor
    reference_win_error: Tensor
    reference_lose_error: Tensor
    term_error: Tensor  # the error the term weighs; 0 without a term


def dpo_loss(
    policy: Jam,
    reference: Jam,
    win_BTC: Tensor,
    lose_BTC: Tensor,
    conditions: Conditions,
    beta: float,
    term: Literal["none", "win", "gt"],
    term_weight: float,
    truth_BTC: Tensor | None,
    dropout: Dropout,
    generator: torch.Generator,
    num_frames_B: Tensor | None = None,
    part: Part = WHOLE,
) -> PreferenceLoss:
    """Preference loss of a batch of pairs made from the same conditions, or of a `part` of one.

    Errors are means over all frames, padding included (what the published `beta` belongs to), or over the
    first `num_frames_B` of each pair.

    Raises:
        ValueError: unknown `term`, or `gt` without `truth_BTC`.
    """
    if term not in ("none", "win", "gt"):
        raise ValueError(f"term is {term!r}; give none, win or gt")
    if term == "gt" and truth_BTC is None:
        raise ValueError("term is gt and truth_BTC is None; give the true latents, or term win or none")
    draw = draw_flow(win_BTC, dropout, generator, part=part)
    pair_BTC = torch.cat((win_BTC, lose_BTC))
    pair_draw = FlowDraw(
        draw.noise_BTC.repeat(2, 1, 1),
        draw.time_B.repeat(2),
        draw.keep_lyrics_B.repeat(2),
        draw.keep_style_B.repeat(2),
    )
    pair_conditions = Conditions.cat((conditions, conditions))
    pair_frames_B = None if num_frames_B is None else num_frames_B.repeat(2)
    given = (pair_BTC, pair_conditions, pair_draw, pair_frames_B)
    learns = (
        beta != 0 or term != "gt"
    )  # else their gradient is exactly 0, and backwards is two thirds of a step
    with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
        win_B, lose_B = flow_error(policy, *given).chunk(2)
    with torch.no_grad():
        reference_win_B, reference_lose_B = flow_error(reference, *given).chunk(2)
    margin_B = (reference_win_B - reference_lose_B) - (win_B - lose_B)
    loss = F.softplus(-beta / 2 * margin_B).mean()
    term_error = torch.zeros_like(loss)
    if term == "win":
        term_error = win_B.mean()
    elif term == "gt" and truth_BTC is not None:
        term_error = flow_error(policy, truth_BTC, conditions, draw, num_frames_B).mean()
    if term != "none":
        loss = loss + term_weight * term_error
    return PreferenceLoss(
        loss,
        accuracy=(margin_B > 0).float().mean(),
        margin=margin_B.detach().mean(),
        win_error=win_B.detach().mean(),
        lose_error=lose_B.detach().mean(),
        reference_win_error=reference_win_B.mean(),
        reference_lose_error=reference_lose_B.mean(),
        term_error=term_error.detach(),
    )
