"""Times drawn from the net, by seed and temperature: `draw_times` for candidates that differ as songs differ, `median_times` for one that errs least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from jam_model.durations.network import DurationNet, Past
from jam_model.durations.sheet import Batch, Sheet, Timing, batch_of
from jam_model.durations.total import Fitted, fit_total
from jam_model.words import Word

MAX_GAP_S, MAX_LENGTH_S = 60.0, 15.0
"""What no draw exceeds."""


def draw_times(net: DurationNet, sheet: Sheet, seed: int, temperature: float, draws: int) -> list[Timing]:
    """`draws` timings of one song, not yet fitted to its length; temperature 1 is the law itself, 0 its likeliest course."""
    batch = batch_of([sheet], None, net.config.symbols, net.config.style_dim)
    gaps_s, lengths_s = draw_paths(net, sheet, batch, seed, temperature, draws)
    with torch.no_grad():
        context = net.read_words(batch)
        alphas = torch.cat([net.alphas(batch, context, lengths_s[draw : draw + 1]) for draw in range(draws)])
    rng = np.random.default_rng(seed)
    return [
        Timing(
            gaps_s[draw].double().numpy(),
            lengths_s[draw].double().numpy(),
            _shares_of_words(alphas[draw], sheet, temperature, rng),
        )
        for draw in range(draws)
    ]


@torch.no_grad()
def draw_paths(
    net: DurationNet, sheet: Sheet, batch: Batch, seed: int, temperature: float, draws: int
) -> tuple[Tensor, Tensor]:
    """Gaps and lengths of `draws` courses of the song of a batch [draws, W]; see `draw_times`."""
    config = net.config
    context = net.read_words(batch).expand(draws, -1, -1)
    generator = torch.Generator().manual_seed(seed)
    total_s, beat_s = batch.total_s.expand(draws)[:, None], batch.beat_s.expand(draws)[:, None]
    past = Past(*(torch.zeros(draws, 1) for _ in Past._fields))
    state: Tensor | None = None
    gaps: list[Tensor] = []
    lengths: list[Tensor] = []
    for place in range(sheet.num_words):
        left = batch.syllables_left[:, place].expand(draws)[:, None]
        seen, state = net.seen(context[:, place : place + 1], past, total_s, left, beat_s, state)
        gap_s = net.gap_law(seen, past.free_s, beat_s).draw(temperature, generator).clamp(max=MAX_GAP_S)
        start_s = past.free_s + gap_s
        length_s = net.length_law(seen, gap_s, start_s, beat_s).draw(temperature, generator)
        length_s = length_s.clamp(config.slot_s, MAX_LENGTH_S)
        gaps.append(gap_s)
        lengths.append(length_s)
        past = Past(start_s + length_s, start_s, gap_s, length_s)
    return torch.cat(gaps, 1), torch.cat(lengths, 1)


@torch.no_grad()
def drawn_shares(net: DurationNet, sheet: Sheet, timing: Timing, seed: int, temperature: float) -> Timing:
    """The timing with phone shares drawn for its lengths; gaps and lengths stay."""
    config = net.config
    batch = batch_of([sheet], [replace(timing, shares=())], config.symbols, config.style_dim)
    (alphas,) = net.alphas(batch, net.read_words(batch), batch.lengths_s)
    return replace(timing, shares=_shares_of_words(alphas, sheet, temperature, np.random.default_rng(seed)))


def predicted_times(net: DurationNet, sheet: Sheet, seed: int, temperature: float) -> Fitted:
    """One draw, fitted to the song.

    Raises:
        ValueError: the song is too short for its phones.
    """
    return fit_total(draw_times(net, sheet, seed, temperature, 1)[0], sheet.duration_s, _num_phones(sheet))


def median_times(net: DurationNet, sheet: Sheet, seed: int, draws: int) -> Timing:
    """The median of each start and end over draws, each fitted to the song: in order, since each draw is.

    Raises:
        ValueError: the song is too short for its phones.
    """
    drawn = [
        fit_total(timing, sheet.duration_s, _num_phones(sheet)).timing
        for timing in draw_times(net, sheet, seed, 1.0, draws)
    ]
    starts_s = np.median([timing.starts_s for timing in drawn], axis=0)
    ends_s = np.median([timing.ends_s for timing in drawn], axis=0)
    before_s = np.concatenate([[0.0], ends_s[:-1]])
    return Timing(starts_s - before_s, ends_s - starts_s, drawn[0].shares)


def drawn_duration_s(net: DurationNet, num_syllables: int, seed: int) -> float:
    """How long a song of so many syllables lasts, where nobody asked for a length."""
    drawn = np.random.default_rng(seed).normal() * net.config.syllable_sd
    return float(num_syllables * net.config.syllable_s * np.exp(drawn))


def phones_in_time(timing: Timing, sheet: Sheet) -> list[list[Word]]:
    """The phones of each word with their times; they fill the word."""
    found: list[list[Word]] = []
    for place, phones in enumerate(sheet.phones):
        start_s, length_s = float(timing.starts_s[place]), float(timing.lengths_s[place])
        bounds_s = start_s + length_s * np.concatenate([[0.0], np.cumsum(timing.shares[place])])
        times = pairwise(bounds_s.tolist())
        found.append([Word(phone, *its) for phone, its in zip(phones, times, strict=True)])
    return found


def _shares_of_words(
    alphas: Tensor, sheet: Sheet, temperature: float, rng: np.random.Generator
) -> list[Sequence[float]]:
    """Of each word its phones' shares by the alphas [W, H]."""
    return [
        _drawn_shares(alphas[place, : len(phones)].double().numpy(), temperature, rng)
        for place, phones in enumerate(sheet.phones)
    ]


def _drawn_shares(alphas: np.ndarray, temperature: float, rng: np.random.Generator) -> Sequence[float]:
    """Shares that add up to 1; their mean at temperature 0."""
    if not len(alphas):
        return []
    drawn = alphas if temperature <= 0 else rng.gamma(alphas / temperature) + 1e-6
    return (drawn / drawn.sum()).tolist()


def _num_phones(sheet: Sheet) -> list[int]:
    return [len(phones) for phones in sheet.phones]
