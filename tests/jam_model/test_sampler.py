import dataclasses
import shutil
from itertools import pairwise

import pytest
import torch

from jam_model.config import Guidance, ODESolver
from jam_model.sampler import sample, song_noise
from tests.every import every

ALWAYS = (0.0, 1.0)
PINNED = [-0.3097064, 1.5185326, 1.5488076]


def naive_sample(jam, conditions, noise, num_steps, guidance, negative):
    """The released sampler's loop: whole model calls, one branch after the other."""
    dropped = torch.zeros(len(noise), dtype=torch.bool)
    against = dataclasses.replace(conditions, style_BS=negative.expand_as(conditions.style_BS))
    times = torch.linspace(0, 1, num_steps + 1)
    x = noise
    for now, then in pairwise(times):
        time = now.expand(len(noise))
        asked = velocity = jam(x, time, conditions)
        if guidance.formula != "none" and guidance.interval[0] <= now <= guidance.interval[1]:
            nothing = jam(x, time, against, keep_lyrics_B=dropped)
            if guidance.formula == "dual":
                lyrics = jam(x, time, against)
                velocity = guidance.style_guidance_scale * (
                    asked - lyrics
                ) + guidance.lyrics_guidance_scale * (lyrics - nothing)
            else:
                style = jam(x, time, conditions, keep_lyrics_B=dropped)
                velocity = guidance.style_guidance_scale * (
                    style - nothing
                ) + guidance.lyrics_guidance_scale * (asked - style)
            velocity = velocity + nothing
        x = x + (then - now) * velocity
    return x


@every("formula", ["dual", "dual_fixed", "none"])
@every("interval", [ALWAYS, (0.25, 0.75), (0.3, 0.4)])
@torch.no_grad()
def test_sampler_equals_the_plain_loop(make_jam, make_conditions, normal, formula, interval):
    jam, conditions, noise, negative = make_jam(), make_conditions(2), normal(2, 12, 4), normal(8, seed=3)
    guidance = Guidance(4.7, 2.6, interval, formula)
    expected = naive_sample(jam, conditions, noise, 4, guidance, negative)
    sung = sample(jam, conditions, noise, ODESolver(4), guidance, negative)
    torch.testing.assert_close(sung, expected, atol=2e-4, rtol=1e-5)


@torch.no_grad()
def test_single_guidance_pushes_away_from_nothing_by_its_strength(make_jam, make_conditions, normal):
    jam, conditions, noise, negative = make_jam(), make_conditions(2), normal(2, 12, 4), normal(8, seed=3)
    guidance = Guidance(4.0, 4.0, ALWAYS, "dual")
    against = dataclasses.replace(conditions, style_BS=negative.expand(2, -1))
    start = torch.zeros(2)
    asked = jam(noise, start, conditions)
    nothing = jam(noise, start, against, keep_lyrics_B=torch.zeros(2, dtype=torch.bool))
    sung = sample(jam, conditions, noise, ODESolver(1), guidance, negative)
    torch.testing.assert_close(sung, noise + asked + 3 * (asked - nothing), atol=1e-4, rtol=0)
    assert len(guidance.branches()) == 2


def test_guidance_stops_at_its_interval(make_jam, make_conditions, normal):
    jam, conditions, noise, negative = make_jam(), make_conditions(1), normal(1, 12, 4), normal(8, seed=3)

    def sung(formula, interval):
        return sample(jam, conditions, noise, ODESolver(4), Guidance(4.7, 2.6, interval, formula), negative)

    plain = sung("none", ALWAYS)
    assert torch.equal(sung("dual", (0.26, 0.49)), plain)  # between the grid points
    assert not torch.allclose(sung("dual", (0.25, 0.25)), plain, atol=1e-3)  # both ends belong to it


def test_branch_weights_sum_to_one():
    for formula in ("dual", "dual_fixed", "none"):
        assert sum(Guidance(4.7, 2.6, ALWAYS, formula).branches().values()) == pytest.approx(1)
    assert len(Guidance(4.7, 2.6, ALWAYS, "dual").branches()) == 3
    assert len(Guidance(1.0, 1.0, ALWAYS, "dual").branches()) == 1
    with pytest.raises(ValueError, match="formula is 'triple'"):
        Guidance(1.0, 1.0, ALWAYS, "triple")


def test_song_does_not_depend_on_its_batch(make_jam, make_conditions, normal):
    jam, conditions, noise, negative = make_jam(), make_conditions(4), normal(4, 12, 4), normal(8, seed=3)
    guidance = Guidance(4.7, 2.6, (0.05, 1.0), "dual")
    together = sample(jam, conditions, noise, ODESolver(5), guidance, negative)
    for row in range(4):
        one = slice(row, row + 1)
        alone = sample(jam, conditions[one], noise[one], ODESolver(5), guidance, negative)
        torch.testing.assert_close(together[one], alone, atol=2e-4, rtol=1e-5)


def test_same_call_gives_the_same_bits(make_jam, make_conditions, normal):
    jam, conditions, noise, negative = make_jam(), make_conditions(2), normal(2, 12, 4), normal(8, seed=3)
    guidance = Guidance(4.7, 2.6, (0.05, 1.0), "dual")
    first, second = (sample(jam, conditions, noise, ODESolver(3), guidance, negative) for _ in range(2))
    assert torch.equal(first, second)


def test_singing_without_padding_bias_equals_a_model_whose_bias_is_zero(make_jam, make_conditions, normal):
    jam, conditions, noise, negative = make_jam(), make_conditions(2), normal(2, 12, 4), normal(8, seed=3)
    guidance = Guidance(2.0, 3.0, ALWAYS, "dual")
    without = sample(jam, conditions, noise, ODESolver(3), guidance, negative, padding_bias=False)
    assert not torch.allclose(without, sample(jam, conditions, noise, ODESolver(3), guidance, negative))
    jam.transformer.duration_pad_bias.data.zero_()
    torch.testing.assert_close(sample(jam, conditions, noise, ODESolver(3), guidance, negative), without)


def test_negative_style_and_grid_that_do_not_fit_are_refused(make_jam, make_conditions, normal):
    jam, conditions, noise = make_jam(), make_conditions(1), normal(1, 12, 4)
    guidance = Guidance(2.0, 3.0, ALWAYS, "dual")
    with pytest.raises(ValueError, match="num_steps is 0"):
        sample(jam, conditions, noise, ODESolver(0), guidance, normal(8))
    with pytest.raises(ValueError, match=r"negative_style has shape \(9,\)"):
        sample(jam, conditions, noise, ODESolver(2), guidance, normal(9))


def test_solvers_evaluate_the_model_at_the_times_they_say(make_jam, make_conditions, normal):
    jam, conditions, noise = make_jam(), make_conditions(1), normal(1, 12, 4)
    plain = Guidance(1.0, 1.0, ALWAYS, "none")
    with torch.no_grad():
        first = jam(noise, torch.zeros(1), conditions)
        middle = jam(noise + first / 2, torch.full((1,), 0.5), conditions)
        end = jam(noise + first, torch.ones(1), conditions)
    for solver, slope in (("midpoint", middle), ("heun", (first + end) / 2)):
        sung = sample(jam, conditions, noise, ODESolver(1, solver=solver), plain, normal(8))
        torch.testing.assert_close(sung, noise + slope, atol=1e-4, rtol=1e-4)


def test_fewer_frames_keep_lyrics_and_durations_of_the_whole(make_jam, make_conditions, normal):
    """Without attention between far frames the sung ones cannot know that the rest is missing."""
    jam, conditions, noise = make_jam(), make_conditions(2), normal(2, 12, 4)
    for block in jam.transformer.transformer_blocks:
        block.self_attn.o_proj.weight.data.zero_()
    for layer in (0, 2):
        jam.transformer.input_embed.conv_pos_embed.conv1d[layer].weight.data.zero_()
    guidance, integration = Guidance(2.0, 3.0, ALWAYS, "dual"), ODESolver(3)
    whole = sample(jam, conditions, noise, integration, guidance, normal(8))
    part = sample(jam, conditions, noise[:, :7], integration, guidance, normal(8))
    torch.testing.assert_close(part, whole[:, :7], atol=1e-4, rtol=1e-4)


def test_bfloat16_stays_near_float32_and_keeps_the_sum_in_float32(make_jam, make_conditions, normal):
    jam, conditions, noise = make_jam(), make_conditions(2), normal(2, 12, 4)
    guidance = Guidance(1.5, 2.0, ALWAYS, "dual")
    exact = sample(jam, conditions, noise, ODESolver(4), guidance, normal(8))
    coarse = sample(jam, conditions, noise, ODESolver(4, precision="bfloat16"), guidance, normal(8))
    assert coarse.dtype == torch.float32
    assert 0 < (coarse - exact).norm() / exact.norm() < 0.05


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile on a CPU needs a C++ compiler")
def test_compiled_steps_sing_the_same(make_jam, make_conditions, normal):
    jam, conditions, noise = make_jam(), make_conditions(2), normal(2, 12, 4)
    guidance = Guidance(4.7, 2.6, (0.3, 1.0), "dual")
    plain = sample(jam, conditions, noise, ODESolver(3), guidance, normal(8))
    compiled = sample(jam, conditions, noise, ODESolver(3, compiled=True), guidance, normal(8))
    torch.testing.assert_close(compiled, plain, atol=2e-4, rtol=1e-4)


def test_noise_belongs_to_seed_song_and_take():
    noise = song_noise(7, "song", 0, 20)
    assert noise.shape == (20, 64)
    assert torch.equal(noise, song_noise(7, "song", 0, 20))
    assert torch.equal(noise[:5], song_noise(7, "song", 0, 5))
    for other in (song_noise(8, "song", 0, 20), song_noise(7, "gong", 0, 20), song_noise(7, "song", 1, 20)):
        assert not torch.equal(noise, other)
    assert noise.mean().abs() < 0.1
    assert noise.std() == pytest.approx(1, abs=0.1)


def test_noise_numbers_are_pinned():
    """A change here silently changes every generated song: raise the model's revision with it."""
    first = song_noise(0, "song", 0, 1, channels=3)[0].tolist()
    assert first == pytest.approx(PINNED, abs=1e-7)
