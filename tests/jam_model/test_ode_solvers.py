from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from jam_model.config import Guidance, ODESolver
from jam_model.sampler import evaluation_times, integrate, sample
from jam_model.solvers.dopri5 import dopri5
from jam_model.solvers.tolerances import Tolerances, TooManyEvaluationsError

ALWAYS = (0.0, 1.0)
TORCHDIFFEQ = (-0.286052007290, 3.375280543147)
"""The driven spring of `_ringing` at time 1 by torchdiffeq 0.2.5 (dopri5, float64, rtol = atol = 1e-8)."""


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


def _ringing(calls=None):
    """A stiffening spring that is driven: state [2] with a known right-hand side."""

    def field(x, time):
        if calls is not None:
            calls.append(time)
        return torch.stack([x[1], -(1 + 40 * time) * x[0] - 0.3 * x[1] + math.sin(9 * time)])

    return field


def test_dopri5_is_the_pair_of_dormand_and_prince_counts_its_evaluations_and_begins_anew_at_a_jump():
    def plain(time, x):
        return _ringing()(torch.from_numpy(x), time).numpy()

    start = torch.tensor([1.0, -0.5], dtype=torch.float64)
    for tolerance in (1e-4, 1e-8):
        calls: list[float] = []
        ours = dopri5([_ringing(calls)], [0.0, 1.0], start, Tolerances(tolerance, tolerance, 10_000))
        theirs = solve_ivp(plain, (0, 1), start.numpy(), method="RK45", rtol=tolerance, atol=tolerance)
        assert ours.evaluations == len(calls) == theirs.nfev
        np.testing.assert_allclose(ours.state, theirs.y[:, -1], atol=1e-12)
    exact = solve_ivp(plain, (0, 1), start.numpy(), method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    np.testing.assert_allclose(ours.state, exact, atol=1e-6)
    np.testing.assert_allclose(ours.state, TORCHDIFFEQ, atol=1e-6)

    given, start = Tolerances(1e-6, 1e-6, 10_000), torch.zeros(1)
    one, three = (lambda x, time: x * 0 + 1), (lambda x, time: x * 0 + 3)
    split = dopri5([one, three], [0.0, 0.4, 1.0], start, given)
    assert split.state == pytest.approx(0.4 + 1.8) and split.rejected_evaluations == 0
    over = dopri5([lambda x, time: one(x, 0) if time < 0.4 else three(x, 0)], [0.0, 1.0], start, given)
    assert over.rejected_evaluations > 0 and over.evaluations > split.evaluations
    with pytest.raises(TooManyEvaluationsError, match=r"time 0\.000 of 1 after 8 evaluations"):
        dopri5([lambda x, time: x * math.nan], [0.0, 1.0], start, replace(given, max_evaluations=8))
    with pytest.raises(ValueError, match="tolerances are of dopri5 alone"):
        ODESolver(4, "dopri5")


@pytest.mark.slow
def test_dopri5_samples_each_song_alone_in_stretches_of_guidance(make_jam, make_conditions, normal):
    jam, conditions, noise, negative = make_jam(), make_conditions(2), normal(2, 12, 4), normal(8, seed=3)
    rough = Tolerances(1.0, 0.3, 1000)
    solver, guidance = ODESolver(1, "dopri5", tolerances=rough), Guidance(2.0, 3.0, (0.25, 1.0), "dual")
    both = sample(jam, conditions, noise, solver, guidance, negative)

    def plain(x, time):
        return jam(x, torch.tensor([time]), conditions[1:])

    def guided(x, time):
        against = type(conditions)(conditions.lyric_tokens_BL[1:], negative[None], *_times(conditions[1:]))
        lyrics = jam(x, torch.tensor([time]), against)
        nothing = jam(x, torch.tensor([time]), against, keep_lyrics_B=torch.zeros(1, dtype=torch.bool))
        return 2.0 * (plain(x, time) - lyrics) + 3.0 * (lyrics - nothing) + nothing

    with torch.no_grad():
        alone = dopri5([plain, guided], [0.0, 0.25, 1.0], noise[1:], rough)
    torch.testing.assert_close(both[1:], alone.state, atol=5e-3, rtol=1e-3)
