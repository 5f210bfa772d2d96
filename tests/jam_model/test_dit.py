import dataclasses

import pytest
import torch

from jam_model.dit import Jam


def test_dropped_lyrics_are_token_zero_and_dropped_style_the_zero_vector(make_jam, make_conditions, normal):
    jam, conditions, x, time = make_jam(), make_conditions(2), normal(2, 12, 4), torch.tensor([0.2, 0.7])
    nothing = torch.zeros(2, dtype=torch.bool)
    silent = dataclasses.replace(conditions, lyric_tokens_BL=torch.zeros_like(conditions.lyric_tokens_BL))
    plain = dataclasses.replace(conditions, style_BS=torch.zeros_like(conditions.style_BS))
    assert torch.equal(jam(x, time, conditions, keep_lyrics_B=nothing), jam(x, time, silent))
    assert torch.equal(jam(x, time, conditions, keep_style_B=nothing), jam(x, time, plain))
    assert not torch.allclose(jam(x, time, conditions), jam(x, time, plain))


def test_conditions_are_dropped_for_the_named_samples_only(make_jam, make_conditions, normal):
    jam, conditions, x, time = make_jam(), make_conditions(3), normal(3, 12, 4), torch.full((3,), 0.5)
    keep_lyrics, keep_style = torch.tensor([True, False, True]), torch.tensor([True, True, False])
    mixed = jam(x, time, conditions, keep_lyrics, keep_style)
    for row in range(3):
        one = slice(row, row + 1)
        alone = jam(x[one], time[one], conditions[one], keep_lyrics[one], keep_style[one])
        torch.testing.assert_close(mixed[one], alone, atol=1e-5, rtol=0)


def test_padding_bias_reaches_only_the_frames_past_the_end(make_jam, make_conditions):
    jam, conditions = make_jam(), make_conditions(2)
    with_bias = jam.lyric_embedding(conditions)
    without = jam.lyric_embedding(conditions, padding_bias=False)
    changed = (with_bias != without).any(dim=-1)
    for row, relative in enumerate(conditions.duration_rel_B.tolist()):
        end = int(12 * relative)
        assert not changed[row, :end].any()
        assert changed[row, end:].all()


def test_model_without_implicit_duration_has_no_padding_bias(make_jam, make_conditions, normal, tiny):
    jam = make_jam(config=dataclasses.replace(tiny, use_implicit_duration=False))
    assert "transformer.duration_pad_bias" not in jam.state_dict()
    velocity = jam(normal(1, 12, 4), torch.tensor([0.5]), make_conditions(1))
    assert velocity.shape == (1, 12, 4)


def test_every_condition_changes_the_velocity(make_jam, make_conditions, normal):
    jam, conditions, x, time = make_jam(), make_conditions(1), normal(1, 12, 4), torch.tensor([0.5])
    velocity = jam(x, time, conditions)
    for name, tensor in vars(conditions).items():
        if tensor is None:  # controls: test_controls.py
            continue
        other = (tensor + 1) % 64 if name == "lyric_tokens_BL" else tensor * 0.5 + 0.1
        changed = jam(x, time, dataclasses.replace(conditions, **{name: other}))
        assert not torch.allclose(changed, velocity, atol=1e-4), name


def test_fresh_model_starts_with_silent_lyric_injection_and_padding_bias(tiny):
    transformer = Jam(tiny).transformer
    assert not transformer.duration_pad_bias.any()
    assert all(not parameter.any() for parameter in transformer.text_fusion_linears.parameters())
    assert transformer.proj_out.weight.any()


def test_gradient_checkpointing_gives_the_same_gradients(make_jam, make_conditions, normal):
    gradients = []
    for checkpointing in (False, True):
        jam = make_jam().train()
        jam.transformer.gradient_checkpointing = checkpointing
        jam(normal(2, 12, 4), torch.tensor([0.2, 0.7]), make_conditions(2)).square().mean().backward()
        gradients.append([parameter.grad for parameter in jam.parameters()])
    for plain, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, recomputed)


def test_shorter_sequences_run_and_longer_ones_are_refused(make_jam, make_conditions, normal):
    jam, time = make_jam(), torch.tensor([0.5])
    assert jam(normal(1, 8, 4), time, make_conditions(1, frames=8)).shape == (1, 8, 4)
    with pytest.raises(ValueError, match="16 frames exceed max_frames 12"):
        jam(normal(1, 16, 4), time, make_conditions(1, frames=16))


def test_conditions_that_do_not_fit_are_refused_by_name(make_jam, make_conditions, normal):
    with pytest.raises(ValueError, match=r"lyric_tokens has shape \(1, 32\); it should be \(1, 48\)"):
        make_jam()(normal(1, 12, 4), torch.tensor([0.5]), make_conditions(1, frames=8))


def test_bfloat16_model_stays_near_the_float32_one(make_jam, make_conditions, normal):
    x, time, conditions = normal(2, 12, 4), torch.tensor([0.2, 0.7]), make_conditions(2)
    exact = make_jam()(x, time, conditions)
    rough = make_jam(dtype=torch.bfloat16)(x.bfloat16(), time, conditions)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).square().mean() < 0.01 * exact.square().mean()
