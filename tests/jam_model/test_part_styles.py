"""Styles that change: one part is the old path, several are mixed exactly, weights cross-fade and always sum to 1."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from jam_model.branches import constants_of
from jam_model.config import Guidance, ODESolver
from jam_model.frames import FRAME_RATE_HZ, frame_middles_s
from jam_model.part_styles.parts import Part, PartStyles, batch_of_parts, part_weights, tiled
from jam_model.sampler import sample


def with_parts(conditions, styles_BKS, weights_BKT):
    return replace(conditions, part_styles_BKS=styles_BKS, part_weights_BKT=weights_BKT)


def test_one_part_gives_the_bits_of_one_style_and_several_are_mixed_by_frame(
    tiny, make_jam, make_conditions, normal
):
    one_part_gives_the_bits_of_one_style(tiny, make_jam, make_conditions, normal)
    parts_are_mixed_by_frame_and_a_part_alone_is_its_style(tiny, make_jam, make_conditions, normal)


def one_part_gives_the_bits_of_one_style(tiny, make_jam, make_conditions, normal):
    jam, one_style = make_jam(), make_conditions(3)
    frames = tiny.max_frames
    one_part = with_parts(one_style, one_style.style_BS.unsqueeze(1), torch.ones(3, 1, frames))
    x_BTC, time_B = normal(3, frames, 4), torch.tensor([0.1, 0.5, 0.9])
    keep_B = torch.tensor([True, False, True])
    for kept in (None, keep_B):
        assert torch.equal(*(jam(x_BTC, time_B, given, kept, kept) for given in (one_style, one_part)))
    guidance = Guidance(1.5, 1.2, (0.0, 1.0), "dual")
    negative_S = normal(8, seed=4)
    for old, new in zip(
        *(
            constants_of(jam.transformer, given, 9, list(guidance.branches()), negative_S, True)[:4]
            for given in (one_style, one_part)
        ),
        strict=True,
    ):
        assert torch.equal(torch.as_tensor(old), torch.as_tensor(new))
    for precision in ("float32", "bfloat16"):
        solver = ODESolver(3, "euler", precision, False)
        first, second = (
            sample(jam, given, normal(3, frames, 4, seed=9), solver, guidance, negative_S)
            for given in (one_style, one_part)
        )
        assert torch.equal(first, second)


def parts_are_mixed_by_frame_and_a_part_alone_is_its_style(tiny, make_jam, make_conditions, normal):
    jam, song = make_jam(dtype=torch.float64), make_conditions(2)
    frames, styles_BKS = tiny.max_frames, normal(2, 3, 8, seed=5)
    x_BTC, time_B = normal(2, frames, 4, dtype=torch.float64), torch.tensor([0.2, 0.7], dtype=torch.float64)
    alone_BKT = torch.zeros(2, 3, frames)
    alone_BKT[:, 2] = 1
    by_part = jam(x_BTC, time_B, with_parts(song, styles_BKS, alone_BKT))
    assert torch.allclose(by_part, jam(x_BTC, time_B, replace(song, style_BS=styles_BKS[:, 2])), atol=1e-12)
    weights_BKT = torch.rand(2, 3, frames, dtype=torch.float64)
    weights_BKT /= weights_BKT.sum(dim=1, keepdim=True)
    fusion, styles = jam.transformer.input_embed, styles_BKS.double()
    mixed_first = fusion.styles((weights_BKT.transpose(1, 2) @ styles).flatten(0, 1)).view(2, frames, -1)
    assert torch.allclose(fusion.styles(styles, weights_BKT), mixed_first, atol=1e-12)
    asked = with_parts(song, styles_BKS, weights_BKT.float())
    guidance, solver = Guidance(1.5, 1.2, (0.0, 1.0), "dual"), ODESolver(2, "euler", "float32", False)
    noise_BTC, negative_S = normal(2, frames, 4, seed=9), normal(8, seed=4)
    short_BTC = sample(make_jam(), asked, noise_BTC[:, :7], solver, guidance, negative_S)
    moved = with_parts(song, styles_BKS, asked.part_weights_BKT.roll(1, dims=1))
    assert not torch.allclose(
        short_BTC, sample(make_jam(), moved, noise_BTC[:, :7], solver, guidance, negative_S)
    )
    with pytest.raises(ValueError, match=r"part_weights has shape \(2, 3, 5\); it should be \(2, 3, 12\)"):
        jam(x_BTC, time_B, with_parts(song, styles_BKS, weights_BKT[..., :5]))
    with pytest.raises(ValueError, match="part_weights are not given"):
        jam(x_BTC, time_B, with_parts(song, styles_BKS, None))


def test_weights_cross_fade_in_a_line_and_sum_to_one_in_every_frame():
    verse, chorus = Part("verse", 1.0, 4.0, 0), Part("chorus", 4.5, 6.0, 1)
    parts = tiled([verse, chorus, Part("verse", 6.1, 6.2, 0), Part("end", 6.2, 7.0, 2)], 9.0)
    assert [(part.start_s, part.end_s) for part in parts] == [(0, 4.5), (4.5, 6.1), (6.1, 6.2), (6.2, 9)]
    middles_T = (np.arange(250) + 0.5) / FRAME_RATE_HZ
    whole_KT = part_weights(parts, 3, middles_T, 0.5)
    assert np.allclose(whole_KT.sum(axis=0), 1, atol=1e-6)
    assert (whole_KT >= 0).all()
    assert np.allclose(whole_KT[0][middles_T < 4.25], 1)
    assert np.allclose(whole_KT[2][middles_T > 6.45], 1)
    rising = (middles_T > 4.25) & (middles_T < 4.75)
    assert np.allclose(whole_KT[1][rising], (middles_T[rising] - 4.25) / 0.5)
    assert np.array_equal(part_weights(parts, 3, frame_middles_s(50, 80), 0.5), whole_KT[:, 80:130])
    assert set(np.unique(part_weights(parts, 3, middles_T, 0.0))) == {0.0, 1.0}
    styles = PartStyles(np.eye(3, 8, dtype=np.float32), parts)
    assert np.allclose(styles.mean_S[:3], [4.6 / 9, 1.6 / 9, 2.8 / 9])
    own_S = np.full(8, 2.0, np.float32)
    styles_BKS, weights_BKT = batch_of_parts(
        [(None, own_S, middles_T[80:130]), (styles, own_S, middles_T[80:130])]
    )
    assert torch.equal(styles_BKS[0], torch.tensor(np.stack([own_S, 0 * own_S, 0 * own_S])))
    assert torch.equal(weights_BKT[0, 0], torch.ones(50))
    assert np.array_equal(weights_BKT[1].numpy(), whole_KT[:, 80:130])
    assert batch_of_parts([(None, own_S, middles_T)]) == (None, None)
