"""The sampler: integrates the velocity from noise to latents with classifier-free guidance.

The released sampler calls the whole model up to three times a step. Here everything that stays the
same over the steps is computed once (branches.py), and the guidance branches run as one batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from jam_model.branches import GuidanceBranch, constants_of, times_of, velocity_of
from jam_model.conditions import Conditions
from jam_model.dit import Jam
from jam_model.frames import LATENT_CHANNELS

# B batch, T frames, C channels, S style width, N grid points

CONDITIONED = GuidanceBranch(lyrics=True, style=True)
Formula = Literal["dual", "dual_fixed", "none"]
Solver = Literal["euler", "midpoint", "heun"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Guidance:
    """How far the conditions are pushed, and at which times.

    v(lyrics, style) with s- the negative style:
    `dual`        v(-, s-) + lyrics_guidance_scale [v(l, s-) - v(-, s-)] + style_guidance_scale [v(l, s) - v(l, s-)]
    `dual_fixed`  v(-, s-) + style_guidance_scale [v(-, s) - v(-, s-)] + lyrics_guidance_scale [v(l, s) - v(-, s)]
    `none`        v(l, s)
    Outside `interval` (closed, in times 0..1) always v(l, s).
    """

    style_guidance_scale: float
    lyrics_guidance_scale: float
    interval: tuple[float, float]
    formula: Formula

    def __post_init__(self) -> None:
        if self.formula not in get_args(Formula):
            raise ValueError(f"guidance formula is {self.formula!r}; give dual, dual_fixed or none")

    def branches(self) -> dict[GuidanceBranch, float]:
        """The branches and their weights in the velocity, the asked one first, those with lyrics before
        those without; a branch of weight 0 is left out."""
        weights = {CONDITIONED: 1.0}
        if self.formula == "dual":
            weights = {
                CONDITIONED: self.style_guidance_scale,
                GuidanceBranch(lyrics=True, style=False): self.lyrics_guidance_scale
                - self.style_guidance_scale,
                GuidanceBranch(lyrics=False, style=False): 1 - self.lyrics_guidance_scale,
            }
        elif self.formula == "dual_fixed":
            weights = {
                CONDITIONED: self.lyrics_guidance_scale,
                GuidanceBranch(lyrics=False, style=True): self.style_guidance_scale
                - self.lyrics_guidance_scale,
                GuidanceBranch(lyrics=False, style=False): 1 - self.style_guidance_scale,
            }
        return {branch: weight for branch, weight in weights.items() if weight or branch == CONDITIONED}


def song_noise(
    seed: int, song_id: str, take: int, num_frames: int, channels: int = LATENT_CHANNELS
) -> Tensor:
    """Noise of one take, float32 [T, C]: the same on every machine and in every batch.

    Fewer frames of the same take are the first frames of more.
    """
    digest = hashlib.sha256(f"{seed}/{song_id}/{take}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest, "little"))
    return torch.from_numpy(generator.standard_normal((num_frames, channels), dtype=np.float32))


@dataclass(frozen=True)
class ODESolver:
    """How velocities become latents.

    `num_steps` equal updates from time 0 to 1; the released 50 grid points are 49 of them. `euler` evaluates the
    velocity once an update, `midpoint` and `heun` (both of second order) twice. `bfloat16` is autocast:
    weights and the sum over the steps stay as they are. `compiled` runs a step through torch.compile, on
    CUDA as a graph.
    """

    num_steps: int
    solver: Solver = "euler"
    precision: Precision = "float32"
    compiled: bool = False

    def __post_init__(self) -> None:
        if self.num_steps < 1:
            raise ValueError(f"num_steps is {self.num_steps}; give 1 or more")
        for name, known in (("solver", Solver), ("precision", Precision)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(f"{name} is {getattr(self, name)!r}; give {' or '.join(get_args(known))}")

    def evaluations(self) -> Tensor:
        """The times at which the velocity is evaluated, float32 [updates, evaluations an update]."""
        times_N = torch.linspace(0, 1, self.num_steps + 1)
        now, then = times_N[:-1], times_N[1:]
        second = {"euler": [], "midpoint": [(now + then) / 2], "heun": [then]}[self.solver]
        return torch.stack([now, *second], dim=1)

    def integrate(self, velocity: Callable[[Tensor, int], Tensor], x_BTC: Tensor) -> Tensor:
        """The state at time 1; `velocity` takes a state and the number of the evaluation."""
        times_N = torch.linspace(0, 1, self.num_steps + 1)
        for update, delta in enumerate(times_N.diff().tolist()):
            if self.solver == "euler":
                slope_BTC = velocity(x_BTC, update)
            elif self.solver == "midpoint":
                half_BTC = x_BTC + delta / 2 * velocity(x_BTC, 2 * update)
                slope_BTC = velocity(half_BTC, 2 * update + 1)
            else:
                first_BTC = velocity(x_BTC, 2 * update)
                slope_BTC = (first_BTC + velocity(x_BTC + delta * first_BTC, 2 * update + 1)) / 2
            x_BTC = x_BTC + delta * slope_BTC
        return x_BTC


@torch.no_grad()
def sample(
    model: Jam,
    conditions: Conditions,
    noise_BTC: Tensor,
    integration: ODESolver,
    guidance: Guidance,
    negative_style_S: Tensor,
    padding_bias: bool = True,
) -> Tensor:
    """Latents [B, T, C] sampled from `noise_BTC`.

    T may be less than the frames of the lyrics: then only the first T frames are sampled (and attend to each
    other alone), with lyrics embedded in full and durations as they are. `padding_bias=False` generates
    without the learned mark of frames past the end (an ablation).

    Raises:
        ValueError: shapes that do not fit.
    """
    model.check(noise_BTC, conditions, whole=False)
    if negative_style_S.shape[-1] != model.config.style_dim:
        raise ValueError(
            f"negative_style has shape {tuple(negative_style_S.shape)}; it should be ({model.config.style_dim},)"
        )
    device, dit = noise_BTC.device, model.transformer
    times_E = integration.evaluations().flatten()
    low, high = guidance.interval
    guided = ((times_E >= low) & (times_E <= high)).tolist()
    branches = guidance.branches()
    step = _step(integration.compiled)
    with torch.autocast(device.type, torch.bfloat16, enabled=integration.precision == "bfloat16"):
        constants = constants_of(
            dit, conditions, noise_BTC.shape[1], list(branches), negative_style_S, padding_bias
        )
        times = times_of(dit, conditions, times_E.to(device))

        def velocity(x_BTC: Tensor, evaluation: int) -> Tensor:
            weights = list(branches.values()) if guided[evaluation] else [1.0]
            time_D, modulation_BM = times.input_ED[evaluation], times.modulation_EBM[evaluation]
            parts_GBTC = step(dit, constants, x_BTC, time_D, modulation_BM, len(weights))
            mixed_BTC = weights[0] * parts_GBTC[0]
            for weight, part_BTC in zip(weights[1:], parts_GBTC[1:], strict=True):
                mixed_BTC += weight * part_BTC
            return mixed_BTC

        x_BTC = noise_BTC.to(torch.promote_types(torch.float32, dit.dtype))
        return integration.integrate(velocity, x_BTC)


@cache
def _step(compiled: bool) -> Callable[..., Tensor]:
    """One evaluation of all branches; compiled once a process, then once for every shape."""
    if not compiled:
        return velocity_of
    return torch.compile(velocity_of, mode="reduce-overhead" if torch.cuda.is_available() else None)
