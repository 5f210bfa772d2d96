import copy
import math

import pytest
import torch

from jam_model.config import Dropout
from jam_model.flow import draw_flow
from jam_model.preference import dpo_loss
from tests.every import every

DOUBLE = torch.float64
DROPOUT = Dropout(0.5, 0.5, "jam")
BETA = 200.0


def generator():
    return torch.Generator().manual_seed(11)


@pytest.fixture
def pairs(normal):
    """Win, lose and truth latents of three songs."""
    return tuple(normal(3, 12, 4, seed=seed, dtype=DOUBLE) for seed in (1, 2, 3))


def error(jam, latents, conditions, draw, row, num_frames=12):
    """Flow error of one sample over its first frames, written out."""
    one, time = slice(row, row + 1), draw.time_B[row]
    noise = draw.noise_BTC[one]
    x = (1 - time) * noise + time * latents[one]
    velocity = jam(x, time.expand(1), conditions[one], draw.keep_lyrics_B[one], draw.keep_style_B[one])
    squares = ((velocity - (latents[one] - noise)) ** 2)[0, :num_frames]
    return squares.sum().item() / squares.numel()


@every("frames", [None, (12, 5, 1)])
@every("term, weight", [("none", 0.2), ("win", 0.2), ("gt", 0.3)])
def test_loss_equals_the_formula_in_float64(make_jam, make_conditions, pairs, term, weight, frames):
    policy, reference = make_jam(1, dtype=DOUBLE), make_jam(2, dtype=DOUBLE)
    conditions, (win, lose, truth) = make_conditions(3), pairs
    num_frames_B = None if frames is None else torch.tensor(frames)
    result = dpo_loss(
        policy,
        reference,
        win,
        lose,
        conditions,
        BETA,
        term,
        weight,
        truth,
        DROPOUT,
        generator(),
        num_frames_B,
    )

    draw = draw_flow(win, DROPOUT, generator())
    total, right, margins = 0.0, 0, 0.0
    for row, count in enumerate(frames or (12, 12, 12)):
        policy_win, policy_lose = (error(policy, z, conditions, draw, row, count) for z in (win, lose))
        ref_win, ref_lose = (error(reference, z, conditions, draw, row, count) for z in (win, lose))
        margin = (ref_win - ref_lose) - (policy_win - policy_lose)
        total += (
            -math.log(1 / (1 + math.exp(-BETA / 2 * margin))) / 3 if margin > -5 else -BETA / 2 * margin / 3
        )
        right += margin > 0
        margins += margin / 3
        extra = {"none": 0.0, "win": policy_win, "gt": error(policy, truth, conditions, draw, row, count)}[
            term
        ]
        total += weight * extra / 3
    assert result.loss.item() == pytest.approx(total, abs=1e-9, rel=1e-9)
    assert result.accuracy.item() == pytest.approx(right / 3)
    assert result.margin.item() == pytest.approx(margins, abs=1e-9)


@every("frames", [None, (12, 5, 1)])
@every("term", ["none", "win", "gt"])
def test_gradients_are_those_of_finite_differences(make_jam, make_conditions, pairs, term, frames):
    policy, reference = make_jam(1, dtype=DOUBLE), make_jam(2, dtype=DOUBLE)
    win, lose, truth = pairs
    num_frames_B = None if frames is None else torch.tensor(frames)

    def loss():
        given = (win, lose, make_conditions(3), 2.0, term, 0.2, truth, DROPOUT, generator(), num_frames_B)
        return dpo_loss(policy, reference, *given).loss

    loss().backward()
    learned = [weights for weights in policy.parameters() if weights.grad is not None]
    random = torch.Generator().manual_seed(4)
    for _ in range(4):
        directions = [torch.randn(weights.shape, generator=random, dtype=DOUBLE) for weights in learned]
        slope = sum((w.grad * d).sum().item() for w, d in zip(learned, directions, strict=True))
        heights = []
        for step in (1e-7, -2e-7):
            with torch.no_grad():
                torch._foreach_add_(learned, directions, alpha=step)
            heights.append(loss().item())
        with torch.no_grad():
            torch._foreach_add_(learned, directions, alpha=1e-7)
        assert (heights[0] - heights[1]) / 2e-7 == pytest.approx(slope, rel=1e-5)


@every("dtype", [torch.float32, DOUBLE])
@every("term", ["none", "win", "gt"])
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


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_frozen_copy_in_the_same_precision_and_mode_has_exactly_the_errors_of_the_policy(
    make_jam, make_conditions, pairs, precision
):
    policy = make_jam(1).train()
    reference = copy.deepcopy(policy).requires_grad_(False)
    win, lose, _ = (latents.float() for latents in pairs)
    given = (win, lose, make_conditions(3), 2000.0, "none", 0.0, None, DROPOUT)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        result = dpo_loss(policy, reference, *given, generator())
    assert result.margin.item() == 0 and torch.equal(result.lose_error, result.reference_lose_error)
    rounded = copy.deepcopy(reference).to(torch.bfloat16).float()
    assert (
        dpo_loss(policy, rounded, *given, generator()).margin.item() != 0
    )  # why it must not be a rounded copy


def test_padding_after_the_song_does_not_count_where_its_frames_are_given(make_jam, make_conditions, pairs):
    policy, reference = make_jam(1, dtype=DOUBLE), make_jam(2, dtype=DOUBLE)
    win, lose, _ = pairs

    def errors(win, num_frames_B):
        given = (win, lose, make_conditions(3), BETA, "none", 0.0, None, DROPOUT, generator(), num_frames_B)
        return dpo_loss(policy, reference, *given)

    all_frames = errors(win, None)
    assert errors(win, torch.tensor([12, 12, 12])).loss.item() == pytest.approx(
        all_frames.loss.item(), rel=1e-12
    )
    assert errors(win, torch.tensor([4, 4, 4])).win_error != all_frames.win_error


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


def test_the_control_learns_from_the_truth_alone_bit_for_bit(make_jam, make_conditions, pairs):
    """At beta 0 the pair's gradient is exactly 0, so its errors are taken without one: the same bits for less."""
    conditions, (win, lose, truth) = make_conditions(3), pairs
    half_is_zero = 5e-324  # a beta that is not 0, yet weighs the margin by 0: the pair's gradient is taken

    def gradients(beta):
        policy = make_jam(1, dtype=DOUBLE)
        given = (policy, make_jam(2, dtype=DOUBLE), win, lose, conditions, beta, "gt", 0.3, truth, DROPOUT)
        result = dpo_loss(*given, generator())
        result.loss.backward()
        found = [parameter.grad for parameter in policy.parameters() if parameter.grad is not None]
        return [*found, result.margin, result.win_error, result.loss.detach()]

    for mine, theirs in zip(gradients(0.0), gradients(half_is_zero), strict=True):
        assert torch.equal(mine, theirs)
