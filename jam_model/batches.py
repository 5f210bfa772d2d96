"""Samples to training batches (`Batch`, `Batches`): crops of frames, conditions, controls, silence padding, latents drawn anew, in the order that `order` gives.

Everything a batch holds follows from (seed, position): the endless order says which song stands at position p,
and its crop, style row and latent noise come from a generator seeded by (seed, p). So a sample does not depend
on the batch it came in.

Shapes: B batch, T frames (max_frames), C 64 latent channels, L 4 * T lyric slots, S style dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from jam_model.conditions import Conditions, duration_conditions
from jam_model.controls.known import PAINTING, batched
from jam_model.controls.painting import draw_mask, packed
from jam_model.frames import SHORTEST_STRETCH, frame_middles_s, free_stretches
from jam_model.lyric_grid import RELEASED_FILLER, SYMBOLS, Filler, lyric_grid
from jam_model.order import WHOLE, EndlessOrder, Part
from jam_model.part_styles.parts import PART_STYLES, batch_of_parts
from jam_model.shards import Sample, Shards

Retimed = Callable[[Sample, np.random.Generator], Sample]
"""A sample with its words at other times, which may be drawn."""
SHORTEST_PAST_END = 0.25  # a crop past the end keeps at least this share of its frames inside the song


@dataclass(frozen=True)
class Crop:
    """Frames [start, start + num_frames) of a song of `total_frames`; the rest of max_frames is silence."""

    start: int
    num_frames: int
    total_frames: int


@dataclass
class Batch:
    """What one step learns from."""

    latents_BTC: torch.Tensor
    conditions: Conditions
    song_ids: tuple[str, ...]

    def to(self, device: torch.device) -> Batch:
        """The batch on `device`."""
        return Batch(self.latents_BTC.to(device), self.conditions.to(device), self.song_ids)


def draw_crop(total_frames: int, max_frames: int, past_end_share: float, rng: np.random.Generator) -> Crop:
    """The part of a song that one read takes.

    A song that fits is taken whole (as in jamify). A longer one gives max_frames frames from a uniform
    start; with probability `past_end_share` the crop runs past the song's end instead, so that length
    and silence after the end are learned from crops too.
    """
    if total_frames <= max_frames:
        return Crop(0, total_frames, total_frames)
    if rng.random() < past_end_share:
        shortest = max(1, int(max_frames * SHORTEST_PAST_END))
        start = int(rng.integers(total_frames - max_frames + 1, total_frames - shortest + 1))
        return Crop(start, total_frames - start, total_frames)
    return Crop(int(rng.integers(0, total_frames - max_frames + 1)), max_frames, total_frames)


def draw_free_crop(sample: Sample, max_frames: int, past_end_share: float, rng: np.random.Generator) -> Crop:
    """`draw_crop`, of a song with masked seconds within one stretch between them, which is a song of its own there: it
    ends where the stretch does. Stretches are drawn by their length.

    Raises:
        ValueError: the masks leave no stretch.
    """
    if not sample.masked_s:
        return draw_crop(sample.num_frames, max_frames, past_end_share, rng)
    stretches = free_stretches(sample.masked_s, sample.num_frames)
    if not stretches:
        raise ValueError(
            f"{sample.song_id}: its masks leave no stretch of {SHORTEST_STRETCH} frames; pack again"
        )
    lengths = np.array([end - first for first, end in stretches])
    first, end = stretches[int(rng.choice(len(stretches), p=lengths / lengths.sum()))]
    within = draw_crop(end - first, max_frames, past_end_share, rng)
    return Crop(first + within.start, within.num_frames, end)


def padded(latent_TC: np.ndarray, crop: Crop, max_frames: int, silence_C: np.ndarray) -> np.ndarray:
    """The cropped latent, then silence up to `max_frames`; a latent shorter than the crop ends in silence too."""
    part_TC = latent_TC[crop.start : crop.start + crop.num_frames]
    padded_TC = np.empty((max_frames, len(silence_C)), np.float32)
    padded_TC[: len(part_TC)] = part_TC
    padded_TC[len(part_TC) :] = silence_C
    return padded_TC


def conditions_of(
    picked: Sequence[tuple[Sample, Crop, int]],
    max_frames: int,
    vocabulary: Mapping[str, int] = SYMBOLS,
    filler: Filler = RELEASED_FILLER,
    controls: Sequence[str] = (),
    averaged: Collection[int] = (),
) -> Conditions:
    """The conditions of a batch of (sample, crop, style row); `controls`: those that the model knows. Samples that were read with the
    styles of their parts have these in place of the row, those whose numbers are `averaged` their mean.
    """
    tokens = [
        lyric_grid(song.words, max_frames, crop.start, crop.total_frames, vocabulary, filler, song.phones)
        for song, crop, _ in picked
    ]
    durations = [
        duration_conditions(crop.num_frames, max_frames, crop.start, crop.total_frames)
        for _, crop, _ in picked
    ]
    parts = [song.extras.get(PART_STYLES) for song, *_ in picked]
    parts = [one.averaged if one and n in averaged else one for n, one in enumerate(parts)]
    with_parts = [
        (one, song.style_NS[row], frame_middles_s(max_frames, crop.start))
        for one, (song, crop, row) in zip(parts, picked, strict=True)
    ]
    start_time_B, duration_abs_B, duration_rel_B = (
        torch.tensor(column, dtype=torch.float32) for column in zip(*durations, strict=True)
    )
    part_styles_BKS, part_weights_BKT = batch_of_parts(with_parts)
    conditions = Conditions(
        torch.from_numpy(np.stack(tokens)),
        torch.from_numpy(np.stack([song.style_NS[row] for song, _, row in picked])),
        start_time_B,
        duration_abs_B,
        duration_rel_B,
        part_styles_BKS=part_styles_BKS,
        part_weights_BKT=part_weights_BKT,
    )
    if not controls:
        return conditions
    arrays = [
        ({n: s.extras[n][: c.start + c.num_frames] for n in controls if n in s.extras}, c.start)
        for s, c, _ in picked
    ]
    values, given = batched(arrays, controls, max_frames)
    return replace(conditions, controls=values, controls_given=given)


class Batches:
    """The batch of any step, of any rank, by number."""

    def __init__(
        self,
        shards: Shards,
        silence_C: np.ndarray,
        max_frames: int,
        past_end_share: float,
        shuffle_shards: int,
        seed: int,
        weights: np.ndarray | None = None,
        vocabulary: Mapping[str, int] = SYMBOLS,
        filler: Filler = RELEASED_FILLER,
        controls: Sequence[str] = (),
        part_style_dropout: float = 0.0,
        retimed: Retimed | None = None,
    ) -> None:
        """`silence_C` is the latent of silence (not zero); `weights`: see `EndlessOrder`, `vocabulary` and `filler`
        `lyric_grid`, `controls` `conditions_of`, the others `draw_crop`. `part_style_dropout`: the share of reads in which parts have
        their mean style. `retimed`: what times words have; None: their own.
        """
        self._shards = shards
        self._order = EndlessOrder(shards.shard_sizes(), seed, shuffle_shards, weights)
        self._silence_C = silence_C
        self._max_frames = max_frames
        self._past_end_share = past_end_share
        self._seed = seed
        self._asked = vocabulary, filler, controls
        self._part_style_dropout, self._retimed = part_style_dropout, retimed

    def at(self, positions: Sequence[int]) -> Batch:
        """The samples at these positions of the endless order, cropped, drawn and padded."""
        latents_BTC = np.empty((len(positions), self._max_frames, len(self._silence_C)), np.float32)
        picked = []
        for latent_TC, position in zip(latents_BTC, positions, strict=True):
            sample = self._shards[self._order[position]]
            rng = np.random.default_rng([self._seed, position, 1])
            crop = draw_free_crop(sample, self._max_frames, self._past_end_share, rng)
            style_row = int(rng.integers(len(sample.style_NS)))
            draw_latent(sample, crop, int(rng.integers(2**63)), latent_TC[: crop.num_frames])
            latent_TC[crop.num_frames :] = self._silence_C
            if self._retimed:  # draws of its own: crops and latents are the same with any times
                sample = self._retimed(sample, np.random.default_rng([self._seed, position, 2]))
            picked.append((sample, crop, style_row))
        averaged = {number for number, position in enumerate(positions) if self._averages(position)}
        conditions = conditions_of(picked, self._max_frames, *self._asked, averaged)
        return Batch(
            torch.from_numpy(latents_BTC), conditions, tuple(sample.song_id for sample, *_ in picked)
        )

    def _averages(self, position: int) -> bool:
        """Drawn from a stream of its own, so that crops and rows stay what they are without parts."""
        rng = np.random.default_rng([self._seed, position, 3])
        return self._part_style_dropout > 0 and bool(rng.random() < self._part_style_dropout)


def keeping_some(batch: Batch, generator: torch.Generator, part: Part = WHOLE) -> Conditions:
    """The conditions of a batch, or a `part` of one, whose songs keep some of their frames, where the model paints; else as they are."""
    conditions, latents_BTC = batch.conditions, batch.latents_BTC
    if (
        conditions.controls is None
        or conditions.controls_given is None
        or PAINTING not in conditions.controls
    ):
        return conditions
    frames, mine = latents_BTC.shape[1], part.of(len(latents_BTC))
    num_frames_B = torch.zeros(part.whole(len(latents_BTC)), dtype=torch.long)
    num_frames_B[mine] = (frames * conditions.duration_rel_B).round().long().cpu()
    mask_BT = draw_mask(num_frames_B, frames, generator)[mine].to(latents_BTC.device)
    every_B = torch.ones_like(conditions.controls_given[PAINTING])
    return replace(
        conditions,
        controls={**conditions.controls, PAINTING: packed(latents_BTC, mask_BT)},
        controls_given={**conditions.controls_given, PAINTING: every_B},
    )


def draw_latent(sample: Sample, crop: Crop, seed: int, out_TC: np.ndarray) -> None:
    """Mean and spread of the cropped posterior, with fresh noise, into `out_TC`.

    Computed channel by channel, as shards hold them, and turned once at the end, on one thread: starting torch's
    others takes longer than the sum.
    """
    frames = slice(crop.start, crop.start + crop.num_frames)
    noise = torch.randn(out_TC.T.shape, generator=torch.Generator().manual_seed(seed))
    latent_CT = noise.numpy()
    latent_CT *= sample.std_TC[frames].T
    latent_CT += sample.mean_TC[frames].T
    out_TC[:] = latent_CT.T


def collate(
    items: Sequence[tuple[Sample, Crop, int, np.ndarray]],
    max_frames: int,
    silence_C: np.ndarray,
    vocabulary: Mapping[str, int] = SYMBOLS,
    filler: Filler = RELEASED_FILLER,
    controls: Sequence[str] = (),
) -> Batch:
    """A batch of (sample, crop, style row, latent_TC of the whole song)."""
    latents = [padded(latent_TC, crop, max_frames, silence_C) for _, crop, _, latent_TC in items]
    picked = [(sample, crop, row) for sample, crop, row, _ in items]
    conditions = conditions_of(picked, max_frames, vocabulary, filler, controls)
    return Batch(torch.from_numpy(np.stack(latents)), conditions, tuple(s.song_id for s, *_ in items))


def fixed_batches(
    shards: Shards,
    silence_C: np.ndarray,
    max_frames: int,
    batch_size: int,
    vocabulary: Mapping[str, int] = SYMBOLS,
    filler: Filler = RELEASED_FILLER,
    controls: Sequence[str] = (),
    retimed: Retimed | None = None,
) -> Iterator[Batch]:
    """Each sample once, in file order, from its beginning, at its posterior mean: for validation. `retimed`: see `Batches`."""
    for first in range(0, len(shards), batch_size):
        numbers = range(first, min(first + batch_size, len(shards)))
        samples = [shards[number] for number in numbers]
        if retimed:
            drawn = zip(samples, numbers, strict=True)
            samples = [retimed(sample, np.random.default_rng(number)) for sample, number in drawn]
        crops = [Crop(0, min(s.num_frames, max_frames), s.num_frames) for s in samples]
        items = [(s, c, 0, s.mean_TC) for s, c in zip(samples, crops, strict=True)]
        yield collate(items, max_frames, silence_C, vocabulary, filler, controls)
