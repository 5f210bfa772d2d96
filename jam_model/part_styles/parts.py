"""Styles that change (`PartStyles`): a song's parts have styles of their own, and each frame mixes them by weights that cross-fade.

Parts tile a song: each begins where the one before it ends, the first holds all that comes before it and the last all that comes
after. Half a cross-fade before a part begins its weight starts to rise, as the weight of the one before it falls, in a straight line; in
every frame they sum to 1. Several parts may share a style (a chorus that comes again), whose weight is the sum of theirs.

Shapes: B batch, K styles, T frames, S style width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

PART_STYLES = "part_styles"
"""The member of a sample that holds the styles of its parts."""
PARTS = "parts"
"""The key of its JSON under which the parts stand."""
CROSS_FADE_S = 0.5
"""From one part's style to the next, in training and in generation alike."""
MAX_PARTS = 256
MAX_LABEL = 200


@dataclass(frozen=True)
class Part:
    """Seconds of a song that sound alike; `style`: the row of the song's part styles that they have."""

    label: str
    start_s: float
    end_s: float
    style: int


@dataclass(frozen=True, eq=False)
class PartStyles:
    """The styles of a song's parts, and the parts in order."""

    styles_KS: np.ndarray
    parts: tuple[Part, ...]

    @property
    def shares_K(self) -> np.ndarray:
        """Of the song's time that each style has; equal ones where the parts last no time at all."""
        seconds_K = np.zeros(len(self.styles_KS))
        for part in self.parts:
            seconds_K[part.style] += part.end_s - part.start_s
        total = seconds_K.sum()
        return seconds_K / total if total > 0 else np.full(len(seconds_K), 1 / len(seconds_K))

    @property
    def mean_S(self) -> np.ndarray:
        """The mean of the styles, by the time that each has."""
        return (self.shares_K @ self.styles_KS).astype(np.float32)

    @property
    def averaged(self) -> PartStyles:
        """Their mean in place of each of them."""
        (first, *_), last = self.parts, self.parts[-1]
        return PartStyles(self.mean_S[None], (Part("", first.start_s, last.end_s, 0),))

    def weights_KT(self, middles_s_T: np.ndarray) -> np.ndarray:
        """See `part_weights`."""
        return part_weights(self.parts, len(self.styles_KS), middles_s_T, CROSS_FADE_S)


def part_weights(
    parts: Sequence[Part], num_styles: int, middles_s_T: np.ndarray, fade_s: float
) -> np.ndarray:
    """The weight of each style in each frame, by the seconds of its middle in the song, float32 [K, T].

    Frames outside all parts have the style of the nearest. A part that is shorter than the cross-fade never reaches 1.

    Raises:
        ValueError: no part, or a cross-fade that is none.
    """
    if not parts:
        raise ValueError("parts are none; a song has one part or more")
    if not 0 <= fade_s < math.inf:
        raise ValueError(f"fade_s is {fade_s:g}; give seconds, 0 or more")
    starts_P = np.array([part.start_s for part in parts[1:]])[:, None]
    if fade_s:
        begun_PT = np.clip((middles_s_T - starts_P) / fade_s + 0.5, 0.0, 1.0)
    else:
        begun_PT = (middles_s_T >= starts_P).astype(np.float64)
    num_frames = len(middles_s_T)
    begun_PT = np.concatenate([np.ones((1, num_frames)), begun_PT, np.zeros((1, num_frames))])
    weights_KT = np.zeros((num_styles, num_frames))
    for part, own_T in zip(parts, begun_PT[:-1] - begun_PT[1:], strict=True):
        weights_KT[part.style] += own_T
    return weights_KT.astype(np.float32)


def tiled(parts: Sequence[Part], duration_s: float) -> tuple[Part, ...]:
    """The same parts with no time between them: each ends where the next begins, the last with the song."""
    starts = [0.0, *(part.start_s for part in parts[1:]), duration_s]
    return tuple(
        Part(part.label, start_s, max(start_s, end_s), part.style)
        for part, (start_s, end_s) in zip(parts, pairwise(starts), strict=True)
    )


def part_rows(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """As a sample's JSON and a song's column hold them."""
    return [asdict(part) for part in parts]


def parts_of(rows: Any, num_styles: int, name: str) -> tuple[Part, ...]:
    """The parts in a list of ``{"label", "start_s", "end_s", "style"}``; `name`: what holds them.

    Raises:
        ValueError: another form, times that are no seconds in order, or a style that is none of `num_styles`.
    """
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_PARTS:
        raise ValueError(f"{name} is no list of 1 to {MAX_PARTS} parts; pack again")
    return tuple(_part(row, num_styles, f"{name}: part {number}") for number, row in enumerate(rows))


def _part(row: Any, num_styles: int, name: str) -> Part:
    if not isinstance(row, Mapping):
        raise ValueError(f"{name} is no object with label, start_s, end_s and style; pack again")
    values: list[Any] = [row.get(key) for key in ("label", "start_s", "end_s", "style")]
    label, start_s, end_s, style = values
    if not isinstance(label, str) or len(label) > MAX_LABEL:
        raise ValueError(f"{name}: its label is no text of up to {MAX_LABEL} letters; pack again")
    numbers = all(type(time) in (int, float) for time in (start_s, end_s))
    if not numbers or not 0 <= start_s <= end_s < math.inf:
        raise ValueError(f"{name}: {start_s} to {end_s} is no span of seconds; pack again")
    if type(style) is not int or not 0 <= style < num_styles:
        raise ValueError(f"{name}: style {style!r} is no row of its {num_styles} styles; pack again")
    return Part(label, float(start_s), float(end_s), style)


def read_part_styles(styles_KS: np.ndarray, rows: Any, name: str, width: int) -> PartStyles:
    """What a sample's member and its JSON state; `width`: S.

    Raises:
        ValueError: styles of another shape or not finite, or see `parts_of`.
    """
    if styles_KS.ndim != 2 or styles_KS.shape[1] != width or not 0 < len(styles_KS) <= MAX_PARTS:
        raise ValueError(f"{name} has shape {styles_KS.shape}, needs [1 to {MAX_PARTS}, {width}]")
    if not np.isfinite(styles_KS).all():
        raise ValueError(f"{name} holds numbers that are not finite; pack again")
    parts = parts_of(rows, len(styles_KS), name)
    if any(later.start_s < before.start_s for before, later in pairwise(parts)):
        raise ValueError(f"{name}: its parts are not in the order of their starts; pack again")
    return PartStyles(styles_KS.astype(np.float32), parts)


def part_styles_of(columns: Mapping[str, Any], prefix: str, width: int) -> PartStyles | None:
    """What the columns ``<prefix>part_styles`` and ``<prefix>parts`` state; None where a row has none."""
    styles = columns.get(f"{prefix}{PART_STYLES}")
    if styles is None:
        return None
    name = f"{prefix}{PARTS}"
    return read_part_styles(np.asarray(styles, np.float32), columns.get(name), name, width)


def batch_of_parts(
    songs: Sequence[tuple[PartStyles | None, np.ndarray, np.ndarray]],
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """(part_styles_BKS, part_weights_BKT) of (styles of parts or None, one style [S], seconds of the frames' middles [T]) a song;
    none where no song has parts.

    A song without has its one style in all frames. Rows up to the largest K are zeros of weight 0.
    """
    import torch

    if all(parts is None for parts, *_ in songs):
        return None, None
    most = max(1 if parts is None else len(parts.styles_KS) for parts, *_ in songs)
    _, one_S, middles_s_T = songs[0]
    styles_BKS = np.zeros((len(songs), most, len(one_S)), np.float32)
    weights_BKT = np.zeros((len(songs), most, len(middles_s_T)), np.float32)
    for number, (parts, style_S, middles_s_T) in enumerate(songs):
        if parts is None:
            styles_BKS[number, 0], weights_BKT[number, 0] = style_S, 1.0
        else:
            count = len(parts.styles_KS)
            styles_BKS[number, :count] = parts.styles_KS
            weights_BKT[number, :count] = parts.weights_KT(middles_s_T)
    return torch.from_numpy(styles_BKS), torch.from_numpy(weights_BKT)
