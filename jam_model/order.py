"""In which order samples are read: a seeded endless sequence of epochs (shuffled shards), thinned by weights where asked; and which worker reads which (`Part`).

Everything follows from (seed, position), so a run resumes from a step number alone and ranks never share a
sample within an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UNIT = 1 << 20  # weights are counted in these, so that no rounding moves an epoch's border


@dataclass(frozen=True)
class Part:
    """Which samples of a batch a worker has: the `rank`-th of `num_ranks` equal parts, in order.

    What is drawn for samples is drawn for all of them and cut, so that it does not depend on the number of parts.
    """

    rank: int
    num_ranks: int

    def whole(self, batch: int) -> int:
        """How many samples there are where a part has `batch`."""
        return batch * self.num_ranks

    def of(self, batch: int) -> slice:
        """Where this part's `batch` samples lie among all."""
        return slice(self.rank * batch, (self.rank + 1) * batch)


WHOLE = Part(0, 1)


class EndlessOrder:
    """Which sample stands at each position of an endless sequence of epochs.

    Each epoch permutes the shards, then shuffles the samples inside every `shuffle_shards` consecutive
    ones: a full shuffle where that covers all shards, and reads that stay within a few shards otherwise.
    With `weights` in [0, 1] an epoch takes each sample at most once and, over many epochs, in that share of
    them (systematic sampling along the shuffled order).
    """

    def __init__(
        self,
        shard_sizes: Sequence[int],
        seed: int,
        shuffle_shards: int,
        weights: np.ndarray | None = None,
    ) -> None:
        self.num_samples = sum(shard_sizes)
        if self.num_samples == 0:
            raise ValueError("these shards hold no sample of the asked split; pack songs of that split first")
        self._starts = np.concatenate([[0], np.cumsum(shard_sizes)])
        self._seed = seed
        self._shuffle_shards = shuffle_shards
        self._units = np.full(self.num_samples, UNIT) if weights is None else units_of(weights)
        self._total = int(self._units.sum())
        if self._total == 0:
            raise ValueError(
                "every song is kept out by its duration or its tier; lower ignore_below_s or resample_below_s, or raise the weights of tiers"
            )
        self._epoch = -1
        self._order = np.empty(0, np.int64)

    def epoch(self, epoch: int) -> np.ndarray:
        """The sample numbers of this epoch, in order."""
        if epoch != self._epoch:
            rng = np.random.default_rng([self._seed, epoch])
            shards = rng.permutation(len(self._starts) - 1)
            parts = []
            for first in range(0, len(shards), self._shuffle_shards):
                window = shards[first : first + self._shuffle_shards]
                members = [np.arange(self._starts[s], self._starts[s + 1]) for s in window]
                parts.append(rng.permutation(np.concatenate(members)))
            order = np.concatenate(parts)
            after = epoch * self._total + np.cumsum(self._units[order])
            before = after - self._units[order]
            self._order, self._epoch = order[after // UNIT > before // UNIT], epoch
        return self._order

    def __getitem__(self, position: int) -> int:
        """The sample number at `position`."""
        epoch = ((position + 1) * UNIT - 1) // self._total
        return int(self.epoch(epoch)[position - epoch * self._total // UNIT])


def units_of(weights: np.ndarray) -> np.ndarray:
    """Weights in [0, 1] as whole units; a weight above 0 never becomes 0."""
    if not ((weights >= 0) & (weights <= 1)).all():
        raise ValueError("weights of samples must lie in [0, 1]")
    units = np.rint(weights * UNIT).astype(np.int64)
    return np.where((weights > 0) & (units == 0), 1, units)


def duration_weights(
    durations_s: np.ndarray, ignore_below_s: float, resample_below_s: float, power: float
) -> np.ndarray:
    """How often each song is read: never below `ignore_below_s`; (duration / resample_below_s) ** power below
    that; else in every epoch. A limit of 0 is no limit. JAM: 150 s and 1.2 in pretraining, 100 s ignored in SFT.
    """
    weights = np.ones(len(durations_s))
    if resample_below_s > 0:
        weights = np.minimum(1.0, (durations_s / resample_below_s) ** power)
    return np.where(durations_s > ignore_below_s, weights, 0.0) if ignore_below_s > 0 else weights


def positions_of_step(step: int, batch_size: int, rank: int = 0, num_ranks: int = 1) -> range:
    """The positions rank `rank` reads in step `step` (from 0); ranks take neighbouring, disjoint ranges."""
    first = (step * num_ranks + rank) * batch_size
    return range(first, first + batch_size)
