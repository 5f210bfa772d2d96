"""The sampler: integrates the guided velocity from noise to latents (Euler, AB2: updates, evaluations, restarts) with classifier-free guidance.

The released sampler calls the whole model up to three times a step. Here everything that stays the
same over the steps is computed once (branches.py), and the guidance branches run as one batch.
Its Euler method takes one evaluation an update; Adams-Bashforth of second order (Hairer, Norsett and Wanner, Solving
Ordinary Differential Equations I, III.1) takes the velocity of the update before along, and no evaluation more.
`dopri5` chooses its steps by itself (solvers/dopri5.py): each song alone, and in stretches where guidance begins and ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from jam_model.branches import Times, constants_of, times_of, velocity_of
from jam_model.conditions import Conditions
from jam_model.config import Guidance, ODESolver
from jam_model.controls.known import PAINTING
from jam_model.controls.painting import Kept, kept_of
from jam_model.dit import Jam
from jam_model.frames import LATENT_CHANNELS
from jam_model.solvers.dopri5 import Field, dopri5

# B batch, T frames, C channels, S style width, N grid points

Velocity = Callable[[Tensor, int], Tensor]
"""(state, number of the evaluation) -> velocity, of the state's shape."""


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
    without the learned mark of frames past the end (an ablation). Frames that a song keeps (painting) go straight from their noise to
    what is given, as in training, and are in the result as given.

    Raises:
        ValueError: shapes that do not fit.
    """
    model.check(noise_BTC, conditions, whole=False)
    if negative_style_S.shape[-1] != model.config.style_dim:
        raise ValueError(
            f"negative_style has shape {tuple(negative_style_S.shape)}; it should be ({model.config.style_dim},)"
        )
    if integration.tolerances is not None and len(noise_BTC) > 1:
        alone = [slice(row, row + 1) for row in range(len(noise_BTC))]
        given = integration, guidance, negative_style_S, padding_bias
        return torch.cat([sample(model, conditions[one], noise_BTC[one], *given) for one in alone])
    device, dit = noise_BTC.device, model.transformer
    times_NE = evaluation_times(integration)
    times_E = times_NE.flatten()
    low, high = guidance.interval
    guided = ((times_E >= low) & (times_E <= high)).tolist()
    starts = guided[:: times_NE.shape[1]]
    restarts = {update for update in range(1, len(starts)) if starts[update] != starts[update - 1]}
    branches = guidance.branches(conditions.controls is not None)
    step = _step(integration.compiled)
    with torch.autocast(device.type, torch.bfloat16, enabled=integration.precision == "bfloat16"):
        constants = constants_of(
            dit, conditions, noise_BTC.shape[1], list(branches), negative_style_S, padding_bias
        )
        times = times_of(dit, conditions, times_E.to(device))
        kept = _kept_of(conditions, noise_BTC)

        def velocity(
            x_BTC: Tensor, evaluation: int, times: Times = times, is_guided: bool | None = None
        ) -> Tensor:
            is_guided = guided[evaluation] if is_guided is None else is_guided
            weights = list(branches.values()) if is_guided else [1.0]
            time_D, modulation_BM = times.input_ED[evaluation], times.modulation_EBM[evaluation]
            parts_GBTC = step(dit, constants, x_BTC, time_D, modulation_BM, len(weights))
            mixed_BTC = weights[0] * parts_GBTC[0]
            for weight, part_BTC in zip(weights[1:], parts_GBTC[1:], strict=True):
                mixed_BTC += weight * part_BTC
            return mixed_BTC if kept is None else _on_their_way(mixed_BTC, kept, noise_BTC)

        x_BTC = noise_BTC.to(torch.promote_types(torch.float32, dit.dtype))
        if integration.tolerances is not None:

            def stretch(is_guided: bool) -> Field:
                def field(x_BTC: Tensor, time: float) -> Tensor:
                    now = times_of(dit, conditions, torch.tensor([time], device=device))
                    return velocity(x_BTC, 0, now, is_guided)

                return field

            bounds = stretches(guidance.interval)
            fields = [stretch(low <= (now + then) / 2 <= high) for now, then in pairwise(bounds)]
            latents_BTC = dopri5(fields, bounds, x_BTC, integration.tolerances).state
        else:
            latents_BTC = integrate(integration, velocity, x_BTC, restarts)
        return (
            latents_BTC
            if kept is None
            else torch.where(kept.mask_BT[..., None], kept.latents_BTC, latents_BTC)
        )


def _kept_of(conditions: Conditions, noise_BTC: Tensor) -> Kept | None:
    """What songs keep of themselves; None where none does."""
    if PAINTING not in (conditions.controls or {}) or conditions.controls_given is None:
        return None
    assert conditions.controls is not None
    painting_BTX = conditions.controls[PAINTING][:, : noise_BTC.shape[1]]
    state = torch.promote_types(torch.float32, noise_BTC.dtype)
    return kept_of(painting_BTX.to(noise_BTC.device, state), conditions.controls_given[PAINTING])


def _on_their_way(velocity_BTC: Tensor, kept: Kept, noise_BTC: Tensor) -> Tensor:
    """The velocity, in kept frames that of the straight line from their noise to what is given: the model learned the others beside
    frames that lie on it, and none of its own there.
    """
    return torch.where(kept.mask_BT[..., None], kept.latents_BTC - noise_BTC, velocity_BTC)


def stretches(interval: tuple[float, float]) -> list[float]:
    """The bounds of the times in which the velocity is one function: from 0 to 1, and where guidance begins and ends."""
    return sorted({0.0, 1.0, *(bound for bound in interval if 0 < bound < 1)})


def evaluation_times(solver: ODESolver) -> Tensor:
    """The times at which the velocity is evaluated, float32 [updates, evaluations an update]."""
    times_N = _grid(solver)
    now, then = times_N[:-1], times_N[1:]
    second = {"midpoint": [(now + then) / 2], "heun": [then]}.get(solver.solver, [])
    return torch.stack([now, *second], dim=1)


def integrate(solver: ODESolver, velocity: Velocity, x_BTC: Tensor, restarts: Collection[int] = ()) -> Tensor:
    """The state at time 1.

    `restarts`: the updates from which on the velocity is another function of time; `ab2` takes nothing along
    into them, and begins there with an update of Euler's as it does at time 0. The others take nothing along anyway.
    """
    before_BTC: Tensor | None = None
    for update, delta in enumerate(_grid(solver).diff().tolist()):
        if solver.solver == "midpoint":
            half_BTC = x_BTC + delta / 2 * velocity(x_BTC, 2 * update)
            slope_BTC = velocity(half_BTC, 2 * update + 1)
        elif solver.solver == "heun":
            first_BTC = velocity(x_BTC, 2 * update)
            slope_BTC = (first_BTC + velocity(x_BTC + delta * first_BTC, 2 * update + 1)) / 2
        else:
            now_BTC = slope_BTC = velocity(x_BTC, update)
            if solver.solver == "ab2":
                if before_BTC is not None and update not in restarts:
                    slope_BTC = 1.5 * now_BTC - 0.5 * before_BTC
                before_BTC = now_BTC
        x_BTC = x_BTC + delta * slope_BTC
    return x_BTC


@cache
def _step(compiled: bool) -> Callable[..., Tensor]:
    """One evaluation of all branches; compiled once a process, then once for every shape."""
    if not compiled:
        return velocity_of
    return torch.compile(velocity_of, mode="reduce-overhead" if torch.cuda.is_available() else None)


def _grid(solver: ODESolver) -> Tensor:
    return torch.linspace(0, 1, solver.num_steps + 1)
