"""Controls: nothing to the bit until they are learned or given, then frame by frame, each by itself."""

import dataclasses
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch

from jam_model import sampler
from jam_model.batches import Batch, keeping_some
from jam_model.branches import velocity_of
from jam_model.conditions import Conditions
from jam_model.config import Dropout, Guidance, GuidanceBranch, JamConfig, ODESolver
from jam_model.controls.dropout import ControlDropout
from jam_model.controls.known import KNOWN, MEMBERS, PAINTING, batched, checked
from jam_model.controls.painting import draw_mask, packed
from jam_model.dit import Jam
from jam_model.flow import FlowDraw, draw_flow, flow_error, flow_loss
from jam_model.sampler import sample
from tasks.training.added_controls import PREFIX, learn_controls_alone, with_controls
from tasks.training.memory import parameters

JASCO = (("lyrics+style", 0.5), ("controls", 0.0), ("lyrics+style+controls", 1.5))
NAMES = tuple(MEMBERS)


def arrays(frames: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, one.size, frames).astype(np.float32)
        if one.is_index
        else rng.standard_normal((frames, one.size), np.float32)
        for name, one in KNOWN.items()
    }


def asked(
    conditions: Conditions, songs: list[dict[str, np.ndarray]], names: tuple[str, ...] = NAMES
) -> Conditions:
    values, given = batched([(song, 0) for song in songs], names, conditions.lyric_tokens_BL.shape[1] // 4)
    return dataclasses.replace(conditions, controls=values, controls_given=given)


def test_weights_that_get_controls_keep_every_bit_trained_and_sampled(
    make_jam, make_conditions, normal, tiny
) -> None:
    bare, plain, noise = make_jam(), make_conditions(2), normal(2, 12, 4)
    more = with_controls(bare, NAMES, seed=3)
    assert more.config.controls == NAMES and "controls" not in bare.config.to_dict()
    assert JamConfig.from_dict({**more.config.to_dict(), "controls": list(NAMES)}) == more.config
    assert {name for name in more.state_dict() if name not in bare.state_dict()} == {
        name for name in more.state_dict() if name.startswith(PREFIX)
    }
    told = asked(plain, [arrays(12), arrays(9, 1)])
    time = torch.tensor([0.2, 0.7])
    assert torch.equal(bare(noise, time, plain), more(noise, time, plain))
    assert torch.equal(bare(noise, time, plain), more(noise, time, told))
    guidance = Guidance(4.7, 2.6, (0.05, 1.0), "dual")
    sung = [
        sample(model, given, noise, ODESolver(3, "ab2"), guidance, normal(8, seed=3))
        for model, given in ((bare, plain), (more, plain), (more, told))
    ]
    assert torch.equal(sung[0], sung[1]) and torch.equal(sung[0], sung[2])
    losses = [
        flow_loss(
            model, noise, given, Dropout(0.1, 0.1, "jam"), torch.Generator().manual_seed(1), False, dropout
        ).loss
        for model, given, dropout in ((bare, plain, None), (more, told, ControlDropout(NAMES, 0.2, 0.5)))
    ]
    assert torch.equal(*losses)
    assert parameters(more.config) == sum(weight.numel() for weight in more.parameters())
    first = with_controls(bare, ("chords",), 3)
    assert with_controls(first, ("melody", "chords"), 4).config.controls == ("chords", "melody")
    with torch.random.fork_rng():  # what else is drawn of a model does not depend on them
        torch.manual_seed(0)
        drawn = Jam(tiny).state_dict()
        torch.manual_seed(0)
        beside = Jam(dataclasses.replace(tiny, controls=("chords",))).state_dict()
    assert all(torch.equal(tensor, beside[name]) for name, tensor in drawn.items())


def test_a_learned_control_acts_where_it_is_given_and_kept_and_alone_learns_what_is_its_own(
    make_jam, make_conditions, normal, tiny
) -> None:
    jam = make_jam(config=dataclasses.replace(tiny, controls=NAMES))
    plain, noise, time = make_conditions(2), normal(2, 12, 4), torch.tensor([0.2, 0.7])
    told = asked(plain, [arrays(12), {}])
    without, given = jam(noise, time, plain), jam(noise, time, told)
    assert not torch.allclose(without[0], given[0]) and torch.equal(without[1], given[1])
    both = asked(plain, [arrays(12), arrays(12, 1)])
    dropped = {name: torch.tensor([True, False]) for name in NAMES}
    assert torch.equal(jam(noise, time, both, keep_controls=dropped), given)
    for name in NAMES:
        one = asked(plain, [{name: arrays(12)[name]}, {}])
        silent = asked(plain, [{name: np.zeros_like(arrays(12)[name])}, {}])
        heard = [jam(noise, time, conditions)[0] for conditions in (one, silent, plain)]
        assert not torch.allclose(heard[0], heard[1]) and not torch.allclose(heard[1], heard[2]), name
    joined = Conditions.cat((both[:1], both[1:])).to("cpu")
    assert torch.equal(jam(noise, time, joined), jam(noise, time, both))
    learned = [name for name, weight in learn_controls_alone(jam).named_parameters() if weight.requires_grad]
    assert learned and all(name.startswith(PREFIX) for name in learned)
    jam(noise, time, plain).sum().backward()  # workers wait for each: given or not, it has a gradient
    assert all(weight.grad is not None for weight in jam.parameters() if weight.requires_grad)
    with pytest.raises(ValueError, match="control melody is asked for, this model knows chords"):
        make_jam(config=dataclasses.replace(tiny, controls=("chords",)))(noise, time, both)
    with pytest.raises(ValueError, match="join batches that have the same"):
        Conditions.cat((plain, both))


@torch.no_grad()
def test_sets_of_conditions_are_mixed_as_published_and_no_set_asks_for_controls_that_are_not_there(
    make_jam, make_conditions, normal, tiny
) -> None:
    jam = make_jam(config=dataclasses.replace(tiny, controls=("chords", "audio")))
    plain, noise, negative = make_conditions(2), normal(2, 12, 4), normal(8, seed=3)
    told = asked(plain, [arrays(12), arrays(12, 1)], ("chords", "audio"))
    guidance = Guidance(1.0, 1.0, (0.0, 1.0), "sets", JASCO)
    against = dataclasses.replace(plain, style_BS=negative.expand_as(plain.style_BS))
    start, dropped = torch.zeros(2), torch.zeros(2, dtype=torch.bool)
    nothing, text, everything = (
        jam(noise, start, against, dropped),
        jam(noise, start, plain),
        jam(noise, start, told),
    )
    sung = sample(jam, told, noise, ODESolver(1), guidance, negative)
    expected = noise - nothing + 0.5 * text + 1.5 * everything
    torch.testing.assert_close(sung, expected, atol=2e-4, rtol=1e-5)
    assert [*guidance.branches()] == [
        GuidanceBranch(True, True),
        GuidanceBranch(True, True, False),
        GuidanceBranch(False, False, False),
    ]
    assert guidance.branches(controls=False) == {
        GuidanceBranch(True, True): 2.0,
        GuidanceBranch(False, False): -1.0,
    }
    sung = sample(jam, plain, noise, ODESolver(1), guidance, negative)
    torch.testing.assert_close(sung, noise - nothing + 2 * text, atol=2e-4, rtol=1e-5)
    for formula, sets, fault in (
        ("sets", (), "give both or neither"),
        ("dual", JASCO, "give both or neither"),
        ("sets", (("text", 1.0),), "join some of lyrics, style, controls"),
    ):
        with pytest.raises(ValueError, match=fault):
            Guidance(1.0, 1.0, (0.0, 1.0), formula, sets)


def test_controls_are_checked_cropped_padded_and_dropped_all_at_once_or_each_by_itself(normal) -> None:
    song = arrays(5)
    values, given = batched([(song, 2), ({}, 0)], ("melody", "drums"), 4)
    assert values["melody"].tolist() == [[*song["melody"][2:].tolist(), 0], [0] * 4]
    assert (
        torch.equal(values["drums"][0, :3], torch.from_numpy(song["drums"][2:]))
        and not values["drums"][:, 3].any()
    )
    assert given["melody"].tolist() == given["drums"].tolist() == [True, False]
    dropout = ControlDropout(("chords", "melody"), 0.2, 0.5)
    kept = dropout.draw(20_000, torch.Generator().manual_seed(0))
    neither = (~kept["chords"] & ~kept["melody"]).float().mean().item()
    assert kept["chords"].float().mean().item() == pytest.approx(0.4, abs=0.02)
    assert neither == pytest.approx(0.2 + 0.8 * 0.25, abs=0.02)
    before = draw_flow(normal(2, 3, 4), Dropout(0.5, 0.5, "jam"), torch.Generator().manual_seed(4))
    after = draw_flow(normal(2, 3, 4), Dropout(0.5, 0.5, "jam"), torch.Generator().manual_seed(4), dropout)
    assert torch.equal(before.noise_BTC, after.noise_BTC) and torch.equal(
        before.keep_style_B, after.keep_style_B
    )
    for name, array, fault in (
        ("chords", np.full(5, 133.0), "whole ones from 0 to 132"),
        ("melody", np.full(5, 0.5), "no index"),
        ("drums", np.full((5, 64), np.nan), "not finite"),
        ("audio", np.zeros((4, 64)), r"shape \(5, 64\)"),
    ):
        with pytest.raises(ValueError, match=fault):
            checked(name, array, 5, "it")
    for controls in ("chords", ("chords", "chords"), ("words",)):
        with pytest.raises(ValueError, match="controls"):
            JamConfig(16, 1, 2, 2, 16, 1, 512, 64, 32, 256, True, controls=controls)


@torch.no_grad()
def test_what_is_kept_comes_back_exactly_is_no_part_of_the_loss_and_lies_as_published(
    make_jam, make_conditions, normal, tiny
) -> None:
    lengths = torch.tensor([200, 150]).repeat(300)
    mask_BT = draw_mask(lengths, 220, torch.Generator().manual_seed(0))
    made = 1 - mask_BT.sum(dim=1) / lengths
    assert made.min() > 0.39 and made.max() < 0.91 and made.mean().item() == pytest.approx(0.65, abs=0.03)
    assert not mask_BT[:, 200:].any() and not mask_BT[1::2, 150:].any()
    stretches = (mask_BT[:, 1:] & ~mask_BT[:, :-1]).sum(dim=1) + mask_BT[:, 0]
    starts, counts = mask_BT[:, 0].float().mean().item(), stretches.bincount()
    assert starts == pytest.approx(2 / 3, abs=0.08) and len(counts) == 6  # one stretch, two, and to five
    jam, plain = make_jam(config=dataclasses.replace(tiny, latent_channels=64)), make_conditions(2)
    noise, latents = normal(2, 12, 64), normal(2, 12, 64, seed=5)
    mask_BT = draw_mask(torch.tensor([12, 12]), 12, torch.Generator().manual_seed(1))
    given = {PAINTING: torch.tensor([True, False])}
    told = dataclasses.replace(plain, controls={PAINTING: packed(latents, mask_BT)}, controls_given=given)
    paints = with_controls(jam, (PAINTING,), 0)
    time = torch.tensor([0.2, 0.7])
    assert torch.equal(paints(noise, time, told), jam(noise, time, plain))
    keep_B = torch.ones(2, dtype=torch.bool)
    draw = FlowDraw(noise, time, keep_B, keep_B)
    found, before = flow_error(paints, latents, told, draw), flow_error(jam, latents, plain, draw)
    x = (1 - time[:, None, None]) * noise + time[:, None, None] * latents
    error_BT = (jam(x, time, plain) - (latents - noise)).square().mean(dim=2)
    torch.testing.assert_close(found[0], error_BT[0][~mask_BT[0]].mean())
    torch.testing.assert_close(found[1], before[1])
    dropped = dataclasses.replace(draw, keep_controls={PAINTING: torch.tensor([False, True])})
    torch.testing.assert_close(flow_error(paints, latents, told, dropped), before)
    guidance = Guidance(2.0, 3.0, (0.0, 1.0), "dual")
    sung, bare = (sample(paints, one, noise, ODESolver(2), guidance, normal(8)) for one in (told, plain))
    assert torch.equal(sung[0][mask_BT[0]], latents[0][mask_BT[0]]) and mask_BT[0].any()
    assert not torch.equal(sung[0][~mask_BT[0]], bare[0][~mask_BT[0]]) and torch.equal(sung[1], bare[1])
    seen: list[torch.Tensor] = []

    def seeing(*given: Any) -> torch.Tensor:
        seen.append(given[2])
        return velocity_of(*given)

    with patch.object(sampler, "_step", lambda _: seeing):
        sample(paints, told, noise, ODESolver(4), guidance, normal(8))
    way = [noise[0] + step / 4 * (latents[0] - noise[0]) for step in range(4)]
    for found_BTC, wanted_TC in zip(seen, way, strict=True):  # the model sees what it saw in training
        torch.testing.assert_close(found_BTC[0][mask_BT[0]], wanted_TC[mask_BT[0]])
    batch = keeping_some(Batch(latents, told, ("a", "b")), torch.Generator().manual_seed(2))
    assert batch.controls_given and batch.controls_given[PAINTING].all()
