from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from jam_model.config import Guidance, ODESolver
from jam_model.sampler import evaluation_times, integrate, sample

ALWAYS = (0.0, 1.0)


def error(solver: str, num_steps: int) -> float:
    """dx/dt = t x from x(0) = 1: the answer is exp(1 / 2)."""
    given = ODESolver(num_steps, solver=solver)
    times = evaluation_times(given).flatten().double()
    end = integrate(given, lambda x, number: times[number] * x, torch.ones(1, dtype=torch.float64))
    return abs(end.item() - math.exp(0.5))


@pytest.mark.parametrize("solver", ["ab2", "midpoint", "heun"])
def test_solvers_of_second_order_come_closer_with_the_same_updates(solver):
    assert error(solver, 10) < error("euler", 10) / 5
    assert error("euler", 20) == pytest.approx(error("euler", 10) / 2, rel=0.1)
    assert error(solver, 40) == pytest.approx(error(solver, 20) / 4, rel=0.1)


def test_every_evaluation_is_asked_for_once_and_in_order():
    for solver, an_update in (("euler", 1), ("ab2", 1), ("midpoint", 2), ("heun", 2)):
        given, asked = ODESolver(5, solver=solver), []
        integrate(given, lambda x, number: asked.append(number) or x, torch.ones(1))  # noqa: B023
        assert asked == list(range(5 * an_update)) and evaluation_times(given).shape == (5, an_update)


def test_euler_gives_the_bits_of_the_plain_loop():
    times = torch.linspace(0, 1, 8)
    state = x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    for now, then in pairwise(times):
        x = x + (then - now) * (now.cos() * x)
    given = ODESolver(7)
    assert torch.equal(integrate(given, lambda x, number: times[number].cos() * x, state), x)


def test_a_solver_with_memory_takes_nothing_over_a_jump_of_the_velocity():
    def end(restarts):
        return integrate(
            ODESolver(8, solver="ab2"), lambda x, n: x * 0 + (1 if n < 4 else 3), torch.zeros(1), restarts
        )

    assert end({4}) == 2.0  # half of the time at 1, half at 3
    assert end(()) == 2.125


@pytest.mark.parametrize("interval", [(0.4, 1.0), (0.0, 0.4), (0.3, 0.7)])
@torch.no_grad()
def test_the_sampler_restarts_at_both_ends_of_the_guidance_interval(
    make_jam, make_conditions, normal, interval
):
    jam, conditions, noise, negative = make_jam(), make_conditions(1), normal(1, 12, 4), normal(8, seed=3)
    guidance = Guidance(2.0, 3.0, interval, "dual")
    dropped = torch.zeros(1, dtype=torch.bool)
    x, before, was_guided = noise, None, None
    for now, then in pairwise(torch.linspace(0, 1, 6)):
        guided = interval[0] <= now <= interval[1]
        velocity = jam(x, now.expand(1), conditions)
        if guided:
            against = type(conditions)(conditions.lyric_tokens_BL, negative[None], *_times(conditions))
            lyrics = jam(x, now.expand(1), against)
            nothing = jam(x, now.expand(1), against, keep_lyrics_B=dropped)
            velocity = 2.0 * (velocity - lyrics) + 3.0 * (lyrics - nothing) + nothing
        slope = velocity if was_guided != guided else 1.5 * velocity - 0.5 * before
        x, before, was_guided = x + (then - now) * slope, velocity, guided
    sung = sample(jam, conditions, noise, ODESolver(5, solver="ab2"), guidance, negative)
    torch.testing.assert_close(sung, x, atol=5e-4, rtol=1e-4)


def _times(conditions):
    return conditions.start_time_B, conditions.duration_abs_B, conditions.duration_rel_B
