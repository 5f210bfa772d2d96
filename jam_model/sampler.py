"""The sampler: integrates the velocity from noise to latents with classifier-free guidance.

The released sampler calls the whole model up to three times a step. Here everything that stays the
same over the steps is computed once (branches.py), and the guidance branches run as one batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from jam_model.branches import constants_of, times_of, velocity_of
from jam_model.conditions import Conditions
from jam_model.config import Guidance, ODESolver
from jam_model.dit import Jam
from jam_model.frames import LATENT_CHANNELS

# B batch, T frames, C channels, S style width, N grid points


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
