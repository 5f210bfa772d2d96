from dataclasses import replace

import pytest
import torch

from jam_model.batches import Batch, keeping_some
from jam_model.config import Dropout
from jam_model.controls.dropout import ControlDropout
from jam_model.controls.known import PAINTING
from jam_model.flow import draw_flow, flow_error, flow_loss
from jam_model.order import WHOLE, Part
from jam_model.preference import dpo_loss
from tests.every import every

NO_DROPOUT = Dropout(0.0, 0.0, "jam")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_loss_is_the_mean_square_over_every_frame_and_channel(make_jam, make_conditions, normal):
    jam, conditions, latents = make_jam(), make_conditions(3), normal(3, 12, 4, seed=5)
    draw = draw_flow(latents, NO_DROPOUT, generator())
    squares = []
    for row in range(3):
        one, time = slice(row, row + 1), draw.time_B[row]
        x = (1 - time) * draw.noise_BTC[one] + time * latents[one]
        velocity = jam(x, time.expand(1), conditions[one])
        squares.append((velocity - (latents[one] - draw.noise_BTC[one])).square())
    expected = torch.cat(squares)
    result = flow_loss(jam, latents, conditions, NO_DROPOUT, generator())
    torch.testing.assert_close(result.loss, expected.mean(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(result.per_sample_B, expected.mean(dim=(1, 2)), atol=1e-5, rtol=1e-5)
    assert result.loss.requires_grad
    assert not result.per_sample_B.requires_grad


def test_time_weight_multiplies_each_sample_by_one_plus_t(make_jam, make_conditions, normal):
    jam, conditions, latents = make_jam(), make_conditions(3), normal(3, 12, 4, seed=5)
    plain = flow_loss(jam, latents, conditions, NO_DROPOUT, generator())
    weighted = flow_loss(jam, latents, conditions, NO_DROPOUT, generator(), time_weight=True)
    assert torch.equal(plain.per_sample_B, weighted.per_sample_B)
    torch.testing.assert_close(weighted.loss, ((1 + plain.time_B) * plain.per_sample_B).mean())


def test_times_are_sigmoid_of_normal():
    time = draw_flow(torch.zeros(20_000, 1, 1), NO_DROPOUT, generator()).time_B
    logit = time.logit()
    assert logit.mean() == pytest.approx(0, abs=0.03)
    assert logit.std() == pytest.approx(1, abs=0.03)


def shares(dropout):
    keep_lyrics, keep_style = dropout.draw(40_000, generator())
    no_lyrics, no_style = ~keep_lyrics, ~keep_style
    return [part.float().mean().item() for part in (no_style, no_lyrics, no_style & no_lyrics)]


def test_jam_rule_never_drops_lyrics_alone():
    style, lyrics, both = shares(Dropout(0.1, 0.5, "jam"))
    assert style == pytest.approx(0.1, abs=0.005)
    assert lyrics == both == pytest.approx(0.05, abs=0.005)


def test_independent_rule_drops_each_by_its_own_share():
    style, lyrics, both = shares(Dropout(0.2, 0.3, "independent"))
    assert style == pytest.approx(0.2, abs=0.01)
    assert lyrics == pytest.approx(0.3, abs=0.01)
    assert both == pytest.approx(0.06, abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((1.2, 0.5, "jam"), "dropout of style is 1.2"), ((0.1, 0.5, "batch"), "dropout rule is 'batch'")],
)
def test_impossible_dropout_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Dropout(*arguments)


def test_dropped_samples_are_judged_without_their_conditions(make_jam, make_conditions, normal):
    jam, latents = make_jam(), normal(4, 12, 4)
    everything = Dropout(1.0, 1.0, "jam")
    first = flow_loss(jam, latents, make_conditions(4, seed=1), everything, generator())
    conditions = make_conditions(4, seed=1)
    other = make_conditions(4, seed=2)
    for name in ("lyric_tokens_BL", "style_BS"):
        object.__setattr__(conditions, name, getattr(other, name))
    second = flow_loss(jam, latents, conditions, everything, generator())
    assert torch.equal(first.per_sample_B, second.per_sample_B)


def test_restored_generator_continues_the_same_draws(make_jam, make_conditions, normal):
    jam, conditions, latents = make_jam(), make_conditions(3), normal(3, 12, 4)
    dropout = Dropout(0.5, 0.5, "jam")
    running = generator(9)
    flow_loss(jam, latents, conditions, dropout, running)
    state = running.get_state()
    expected = flow_loss(jam, latents, conditions, dropout, running).loss
    resumed = torch.Generator()
    resumed.set_state(state)
    assert torch.equal(flow_loss(jam, latents, conditions, dropout, resumed).loss, expected)


def test_dropout_share_does_not_move_the_noise():
    latents = torch.zeros(3, 5, 4)
    some, none = (draw_flow(latents, Dropout(share, share, "jam"), generator()) for share in (0.9, 0.0))
    assert torch.equal(some.noise_BTC, none.noise_BTC)
    assert torch.equal(some.time_B, none.time_B)


@every("num_parts", [1, 2, 4])
def test_parts_of_a_batch_draw_and_learn_what_the_whole_batch_does(
    make_jam, make_conditions, normal, num_parts
):
    jam, other, conditions = make_jam(1), make_jam(2), make_conditions(4)
    latents, worse = normal(4, 12, 4, seed=5), normal(4, 12, 4, seed=6)
    some, controls = Dropout(0.5, 0.5, "independent"), ControlDropout((PAINTING,), 0.3, 0.3, 0.5)
    none = {PAINTING: torch.zeros(4, 12, 5)}
    painted = replace(conditions, controls=none, controls_given={PAINTING: torch.zeros(4, dtype=torch.bool)})

    def drawn(mine, part):
        running = generator()
        kept = keeping_some(Batch(latents[mine], painted[mine], ("a",) * 4), running, part)
        draw = draw_flow(latents[mine], some, running, controls, part)
        assert draw.keep_controls is not None
        return [
            kept.controls[PAINTING],
            draw.noise_BTC,
            draw.time_B,
            draw.keep_lyrics_B,
            draw.keep_style_B,
            draw.keep_controls[PAINTING],
        ]

    def losses(mine, part):
        plain = flow_loss(jam, latents[mine], conditions[mine], some, generator(), part=part).loss
        given = (conditions[mine], 10.0, "gt", 0.2, latents[mine], some, generator(), None, part)
        return torch.stack([plain, dpo_loss(jam, other, latents[mine], worse[mine], *given).loss])

    parts = [Part(rank, num_parts) for rank in range(num_parts)]
    places = [part.of(4 // num_parts) for part in parts]
    found = [drawn(mine, part) for mine, part in zip(places, parts, strict=True)]
    for pieces, whole in zip(zip(*found, strict=True), drawn(slice(None), WHOLE), strict=True):
        assert torch.equal(torch.cat(pieces), whole)
    mean = torch.stack([losses(mine, part) for mine, part in zip(places, parts, strict=True)]).mean(dim=0)
    torch.testing.assert_close(mean, losses(slice(None), WHOLE), rtol=1e-5, atol=1e-6)


def test_flow_error_of_a_perfect_model_is_zero(make_conditions, normal):
    latents = normal(2, 12, 4)
    draw = draw_flow(latents, NO_DROPOUT, generator())

    def perfect(x, time, conditions, keep_lyrics, keep_style, keep_controls):
        return latents - draw.noise_BTC

    assert flow_error(perfect, latents, make_conditions(2), draw).tolist() == [0, 0]
