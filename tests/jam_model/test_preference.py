import copy
import math

import pytest
import torch

from jam_model.flow import Dropout, draw_flow
from jam_model.preference import dpo_loss

DOUBLE = torch.float64
DROPOUT = Dropout(0.5, 0.5, "jam")
BETA = 200.0


def generator():
    return torch.Generator().manual_seed(11)


@pytest.fixture
def pairs(normal):
    """Win, lose and truth latents of three songs."""
    return tuple(normal(3, 12, 4, seed=seed, dtype=DOUBLE) for seed in (1, 2, 3))


def error(jam, latents, conditions, draw, row):
    """Flow error of one sample, written out."""
    one, time = slice(row, row + 1), draw.time_B[row]
    noise = draw.noise_BTC[one]
    x = (1 - time) * noise + time * latents[one]
    velocity = jam(x, time.expand(1), conditions[one], draw.keep_lyrics_B[one], draw.keep_style_B[one])
    return ((velocity - (latents[one] - noise)) ** 2).sum().item() / noise.numel()


@pytest.mark.parametrize(("term", "weight"), [("none", 0.2), ("win", 0.2), ("gt", 0.3)])
def test_loss_equals_the_formula_in_float64(make_jam, make_conditions, pairs, term, weight):
    policy, reference = make_jam(1, dtype=DOUBLE), make_jam(2, dtype=DOUBLE)
    conditions, (win, lose, truth) = make_conditions(3), pairs
    result = dpo_loss(
        policy, reference, win, lose, conditions, BETA, term, weight, truth, DROPOUT, generator()
    )

    draw = draw_flow(win, DROPOUT, generator())
    total, right, margins = 0.0, 0, 0.0
    for row in range(3):
        policy_win, policy_lose = (error(policy, latents, conditions, draw, row) for latents in (win, lose))
        ref_win, ref_lose = (error(reference, latents, conditions, draw, row) for latents in (win, lose))
        margin = (ref_win - ref_lose) - (policy_win - policy_lose)
        total += (
            -math.log(1 / (1 + math.exp(-BETA / 2 * margin))) / 3 if margin > -5 else -BETA / 2 * margin / 3
        )
        right += margin > 0
        margins += margin / 3
        extra = {"none": 0.0, "win": policy_win, "gt": error(policy, truth, conditions, draw, row)}[term]
        total += weight * extra / 3
    assert result.loss.item() == pytest.approx(total, abs=1e-9, rel=1e-9)
    assert result.accuracy.item() == pytest.approx(right / 3)
    assert result.margin.item() == pytest.approx(margins, abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize("term", ["none", "win", "gt"])
def test_policy_equal_to_reference_loses_log_two_and_has_no_margin(
    make_jam, make_conditions, pairs, term, dtype
):
    policy = make_jam(1, dtype=dtype)
    reference = copy.deepcopy(policy)
    win, lose, truth = (latents.to(dtype) for latents in pairs)
    result = dpo_loss(
        policy, reference, win, lose, make_conditions(3), BETA, term, 0.2, truth, DROPOUT, generator()
    )
    assert result.margin.item() == 0
    assert result.accuracy.item() == 0
    assert torch.equal(result.win_error, result.reference_win_error)
    expected = math.log(2) + 0.2 * result.term_error.item()
    assert result.loss.item() == pytest.approx(expected, abs=1e-6 if dtype == torch.float32 else 1e-12)
    assert (result.term_error.item() > 0) == (term != "none")


def test_gradient_reaches_the_policy_and_never_the_reference(make_jam, make_conditions, pairs):
    policy, reference = make_jam(1, dtype=DOUBLE), make_jam(1, dtype=DOUBLE)
    win, lose, _ = pairs
    dpo_loss(
        policy, reference, win, lose, make_conditions(3), BETA, "none", 0.0, None, DROPOUT, generator()
    ).loss.backward()
    assert all(parameter.grad is None for parameter in reference.parameters())
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in policy.parameters())


def test_a_step_down_the_gradient_prefers_the_better_take(make_jam, make_conditions, pairs):
    policy, reference = make_jam(1, dtype=DOUBLE), make_jam(1, dtype=DOUBLE)
    win, lose, _ = pairs
    arguments = (win, lose, make_conditions(3), BETA, "none", 0.0, None, DROPOUT)
    dpo_loss(policy, reference, *arguments, generator()).loss.backward()
    with torch.no_grad():
        for parameter in policy.parameters():
            if parameter.grad is not None:
                parameter -= 1e-6 * parameter.grad
    after = dpo_loss(policy, reference, *arguments, generator())
    assert after.margin > 0
    assert after.loss < math.log(2)


def test_terms_that_cannot_be_computed_are_refused(make_jam, make_conditions, pairs):
    jam, (win, lose, truth) = make_jam(1, dtype=DOUBLE), pairs
    with pytest.raises(ValueError, match="term is gt and truth_BTC is None"):
        dpo_loss(jam, jam, win, lose, make_conditions(3), BETA, "gt", 0.2, None, DROPOUT, generator())
    with pytest.raises(ValueError, match="term is 'sft'"):
        dpo_loss(jam, jam, win, lose, make_conditions(3), BETA, "sft", 0.2, truth, DROPOUT, generator())
