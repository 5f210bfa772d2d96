"""The predictor's laws are densities, its draws follow a seed, and a song's length is met exactly whatever was drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from jam_model.durations.checkpoint import load_durations, save_durations
from jam_model.durations.config import DurationConfig
from jam_model.durations.draw import draw_times, median_times, phones_in_time, predicted_times
from jam_model.durations.laws import NUM_ANCHORED, Hurdle, anchored, dirichlet_log_density, mixture
from jam_model.durations.network import DurationNet
from jam_model.durations.sheet import Sheet, Timing, batch_of, timing_of
from jam_model.durations.total import fit_total
from jam_model.words import Word

CONFIG = DurationConfig("aimnu", 8, 16, 3, 0, 0.01, 0.5, 0.2)
SHEET = Sheet(
    ("muːn", "ˈlaɪt", "mi", "ænd"), (("m", "uː", "n"), ("l", "aɪ", "t"), ("m",), ()), [0, 2], [2], 6.0, 100.0
)
TIMING = Timing(
    np.array([0.5, 0.0, 0.7, 0.1]),
    np.array([0.3, 0.4, 0.5, 0.2]),
    [[0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [1.0], []],
)


def net() -> DurationNet:
    """An untrained net, the same each time."""
    torch.manual_seed(3)
    return DurationNet(CONFIG).eval()


def test_probabilities_add_up_to_one() -> None:
    """Of a gap with and without a tempo, of a length, and of two shares."""
    torch.manual_seed(1)
    values = torch.logspace(-5, 3, 60_001, dtype=torch.float64).float()
    free = mixture(torch.randn(1, 9), 0.01)
    for beat_s in (0.0, 0.6):
        raw = torch.randn(1, NUM_ANCHORED)
        law = anchored(free, raw, torch.tensor([1.1]), torch.tensor([beat_s]))
        whole = torch.trapezoid(law.log_density(values).double().exp(), values.double())
        assert float(whole) == pytest.approx(1, abs=2e-3)
        hurdle = Hurdle(torch.tensor([0.3]), law, 0.01)
        assert float(hurdle.log_density(torch.tensor([0.0])).exp()) == pytest.approx(1 / (1 + np.exp(-0.3)))
    share = torch.linspace(0.001, 0.999, 2001)
    both, alphas = torch.stack([share, 1 - share], -1), torch.tensor([[2.0, 3.0]]).expand(2001, 2)
    density = dirichlet_log_density(alphas, both, torch.ones(2001, 2, dtype=torch.bool)).exp()
    assert float(torch.trapezoid(density, share)) == pytest.approx(1, abs=1e-2)


def test_a_song_is_told_alike_alone_and_beside_a_longer_one_and_draws_follow_their_seed(
    tmp_path: Path,
) -> None:
    one = net()
    longer = replace(SHEET, phonemes=SHEET.phonemes * 3, phones=SHEET.phones * 3, line_starts=None, bpm=None)
    thrice = Timing(np.tile(TIMING.gaps_s, 3), np.tile(TIMING.lengths_s, 3), [*TIMING.shares] * 3)
    alone = one(batch_of([SHEET], [TIMING], CONFIG.symbols, 0))
    beside = one(batch_of([longer, SHEET], [thrice, TIMING], CONFIG.symbols, 0))
    for name, nats in alone._asdict().items():
        padded = getattr(beside, name)[1]
        assert torch.allclose(nats[0], padded[:4], atol=1e-4) and not padded[4:].any(), name
    (drawn,), (again,), (other,) = (draw_times(one, SHEET, seed, 1.0, 1) for seed in (1, 1, 2))
    assert np.array_equal(drawn.starts_s, again.starts_s) and not np.array_equal(
        drawn.starts_s, other.starts_s
    )
    assert [len(shares) for shares in drawn.shares] == [3, 3, 1, 0]
    save_durations(tmp_path, one, "# card\n")
    loaded = load_durations(tmp_path)
    assert np.array_equal(draw_times(loaded, SHEET, 1, 1.0, 1)[0].ends_s, drawn.ends_s)
    fitted = predicted_times(one, SHEET, 1, 1.0).timing
    for word, phones in zip(fitted.words(SHEET.phonemes), phones_in_time(fitted, SHEET), strict=True):
        bounds_s = [bound for phone in phones for bound in (phone.start_s, phone.end_s)]
        assert bounds_s == sorted(bounds_s)
        assert not phones or (bounds_s[0], bounds_s[-1]) == pytest.approx((word.start_s, word.end_s))
    assert (np.diff(median_times(one, SHEET, 1, 5).starts_s) > 0).all()
    (tmp_path / "config.json").write_text('{"width": 3}')
    with pytest.raises(ValueError, match="missing fields"):
        load_durations(tmp_path)


def test_any_times_fill_a_song_exactly_in_order_or_it_is_too_short_for_their_phones() -> None:
    random = np.random.default_rng(4)
    for _ in range(300):
        count = int(random.integers(1, 30))
        gaps_s = random.exponential(random.choice([0.0, 0.3, 5.0]), count)
        lengths_s = random.exponential(random.choice([0.01, 0.4]), count)
        phones, duration_s = random.integers(0, 6, count), float(np.round(random.uniform(0.2, 20), 2))
        timing = Timing(gaps_s, lengths_s)
        found = fit_total(timing, duration_s, phones.tolist())
        slots = np.rint(1000 * np.stack([found.timing.gaps_s, found.timing.lengths_s]))
        assert np.allclose(slots / 1000, [found.timing.gaps_s, found.timing.lengths_s])
        assert (slots[0] >= 0).all() and (slots[1] >= np.maximum(1, phones)).all()
        assert slots.sum() <= round(1000 * duration_s)
        if found.of_all < 1 and gaps_s.sum() > 0:
            assert found.of_gaps == 0.25 and slots.sum() > 1000 * duration_s - count - 1
        if gaps_s.sum() + lengths_s.sum() < duration_s - 0.2 and lengths_s.min() > 0.006:
            assert (found.of_gaps, found.of_all) == (1, 1)
            assert np.abs(found.timing.starts_s - timing.starts_s).max() < 6e-4
        words = found.timing.words(["w"] * count)
        assert all(after.start_s >= before.end_s - 1e-9 for before, after in pairwise(words))
    with pytest.raises(ValueError, match="too short for 40 phones"):
        fit_total(Timing(np.zeros(2), np.ones(2)), 0.03, [20, 20])
    told = timing_of([Word("a", 1.0, 2.0), Word("b", 1.5, 2.5)])
    assert told.gaps_s.tolist() == [1.0, 0.0] and told.ends_s.tolist() == [2.0, 2.5]
