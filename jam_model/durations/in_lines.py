"""Times of words whose lines begin when it is known (`times_in_lines`): courses of gaps and lengths with the room to the next line, which binds.

Many courses of the song walk along side by side. Where a line begins, those that made it likely to begin there are kept, so that what
is sung within a line knows of the line behind it; then every line lies in its own room, from its start to the next one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from jam_model.durations.draw import MAX_GAP_S, MAX_LENGTH_S
from jam_model.durations.network import DurationNet, Past
from jam_model.durations.sheet import Sheet, Timing, batch_of
from jam_model.durations.total import SLOTS_PER_S, fit_total

COURSES = 64
UNLIKELY = -60.0
"""Log weight of a course that runs into the next line."""
Room = tuple[float, float]
"""From when to when a line may be sung, in seconds."""


class Line(NamedTuple):
    """Gaps and lengths of a line's words, of each course [D, n]; the first gap lies before the line."""

    gaps_s: np.ndarray
    lengths_s: np.ndarray

    def of(self, kept: np.ndarray) -> Line:
        """Those of the courses that are kept."""
        return Line(self.gaps_s[kept], self.lengths_s[kept])


@dataclass(frozen=True)
class InLines:
    """Times within lines, without shares of phones; `too_short`: numbers of lines with less time than phones, whose words share it."""

    timing: Timing
    too_short: Sequence[int]


def times_in_lines(
    net: DurationNet,
    sheet: Sheet,
    rooms_s: Sequence[Room],
    seed: int,
    temperature: float,
    is_median: bool = False,
) -> InLines:
    """Times of a song whose lines have these rooms, one each, in order and apart: each begins where its room does, and ends in it.

    `is_median`: the median course of each line, which errs least; else one course, by seed.

    Raises:
        ValueError: rooms and lines differ in number, or rooms overlap.
    """
    lines = sheet.lines()
    if len(rooms_s) != len(lines):
        raise ValueError(f"lines: {len(rooms_s)} rooms for {len(lines)} lines; give one of each")
    ends_s = [0.0, *(end_s for _, end_s in rooms_s)]
    if any(start_s < before_s for before_s, (start_s, _) in zip(ends_s, rooms_s, strict=False)):
        raise ValueError("lines: one begins before the line before it has ended; give them in order")
    courses, medians = _courses(net, sheet, rooms_s, seed, temperature)
    chosen = np.array([int(np.random.default_rng(seed).integers(COURSES))])
    found = [
        median if is_median else Line(*(of[0] for of in line.of(chosen)))
        for line, median in zip(courses, medians, strict=True)
    ]
    return _laid(found, sheet, rooms_s)


@torch.no_grad()
def _courses(
    net: DurationNet, sheet: Sheet, rooms_s: Sequence[Room], seed: int, temperature: float
) -> tuple[list[Line], list[Line]]:
    """The lines of courses that are as likely as they made all lines begin where they do, and the median of each line."""
    batch = batch_of([sheet], None, net.config.symbols, net.config.style_dim)
    context = net.read_words(batch).expand(COURSES, -1, -1)
    generator = torch.Generator().manual_seed(seed)
    total_s, beat_s = (of.expand(COURSES)[:, None] for of in (batch.total_s, batch.beat_s))
    past, state = Past(*(torch.zeros(COURSES, 1) for _ in Past._fields)), None
    courses: list[Line] = []
    medians: list[Line] = []
    for (first, end), (room_from_s, _) in zip(sheet.lines(), rooms_s, strict=True):
        gaps: list[Tensor] = []
        lengths: list[Tensor] = []
        for place in range(first, end):
            left = batch.syllables_left[:, place].expand(COURSES)[:, None]
            seen, state = net.seen(context[:, place : place + 1], past, total_s, left, beat_s, state)
            law = net.gap_law(seen, past.free_s, beat_s)
            if place == first:
                start_s = torch.full_like(past.free_s, room_from_s)
                gap_s, late_s = (start_s - past.free_s).clamp(min=0.0), (past.free_s - start_s).clamp(min=0.0)
                logs = torch.where(late_s > 0, UNLIKELY - late_s, law.log_density(gap_s))[:, 0]
                weights = torch.softmax(logs.double(), 0)
                if courses:
                    medians.append(_median(courses[-1], weights.numpy()))
                kept = torch.multinomial(weights, COURSES, replacement=True, generator=generator)
                seen, state, gap_s = seen[kept], state[:, kept], gap_s[kept]
                courses = [line.of(kept.numpy()) for line in courses]
            else:
                gap_s = law.draw(temperature, generator).clamp(max=MAX_GAP_S)
                start_s = past.free_s + gap_s
            length_s = net.length_law(seen, gap_s, start_s, beat_s).draw(temperature, generator)
            length_s = length_s.clamp(net.config.slot_s, MAX_LENGTH_S)
            gaps.append(gap_s)
            lengths.append(length_s)
            past = Past(start_s + length_s, start_s, gap_s, length_s)
        courses.append(Line(*(torch.cat(of, 1).double().numpy() for of in (gaps, lengths))))
    over_s = np.maximum(past.free_s[:, 0].double().numpy() - rooms_s[-1][1], 0.0)
    weights_D = np.where(over_s > 0, np.exp(np.maximum(UNLIKELY - over_s, -700.0)), 1.0)
    weights_D /= weights_D.sum()
    medians.append(_median(courses[-1], weights_D))
    kept_D = np.random.default_rng(seed).choice(COURSES, COURSES, p=weights_D)
    return [line.of(kept_D) for line in courses], medians


def _median(line: Line, weights_D: np.ndarray) -> Line:
    """The weighted median of each start and end within the line, as gaps and lengths [n]: in order, since each course is."""
    steps_DW2 = np.stack([line.gaps_s, line.lengths_s], axis=2)
    steps_DW2[:, 0, 0] = 0.0
    bounds_DV = np.cumsum(steps_DW2.reshape(len(weights_D), -1), axis=1)
    order_DV = np.argsort(bounds_DV, axis=0)
    sums_DV = np.cumsum(weights_D[order_DV], axis=0)
    middle_V = (sums_DV >= 0.5 * sums_DV[-1]).argmax(axis=0)
    bounds_V = np.take_along_axis(bounds_DV, order_DV, 0)[middle_V, np.arange(bounds_DV.shape[1])]
    steps_V = np.diff(bounds_V, prepend=0.0)
    return Line(steps_V[::2], steps_V[1::2])


def _laid(found: Sequence[Line], sheet: Sheet, rooms_s: Sequence[Room]) -> InLines:
    """Each line in its room; one without the time for its phones is dealt it evenly."""
    gaps: list[np.ndarray] = []
    lengths: list[np.ndarray] = []
    too_short: list[int] = []
    free_s = 0.0
    for number, ((first, end), line, (start_s, end_s)) in enumerate(
        zip(sheet.lines(), found, rooms_s, strict=True)
    ):
        own_gaps_s, lengths_s = line.gaps_s.copy(), line.lengths_s
        own_gaps_s[0] = 0.0
        num_phones = [max(1, len(phones)) for phones in sheet.phones[first:end]]
        room_s = end_s - start_s
        if sum(num_phones) > int(room_s * SLOTS_PER_S + 1e-6):
            too_short.append(number)
            lengths_s, own_gaps_s = np.full(end - first, room_s / (end - first)), np.zeros(end - first)
        else:
            whole_s = int(room_s * SLOTS_PER_S + 1e-6) / SLOTS_PER_S
            fitted = fit_total(Timing(own_gaps_s, lengths_s), whole_s, num_phones).timing
            own_gaps_s, lengths_s = fitted.gaps_s, fitted.lengths_s
        own_gaps_s[0] = start_s - free_s
        free_s = start_s + float(own_gaps_s[1:].sum() + lengths_s.sum())
        gaps.append(own_gaps_s)
        lengths.append(lengths_s)
    return InLines(Timing(np.concatenate(gaps), np.concatenate(lengths)), too_short)
