"""The order of reading: seeded, disjoint over ranks, thinned by duration without losing its place."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from jam_model.order import EndlessOrder, duration_weights, positions_of_step


def test_every_epoch_holds_every_sample_once_in_another_order() -> None:
    order = EndlessOrder([3, 4], seed=0, shuffle_shards=10)
    epochs = [[order[p] for p in range(7 * e, 7 * e + 7)] for e in range(3)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1] or epochs[1] != epochs[2]


def test_ranks_read_disjoint_samples_and_together_all_of_them() -> None:
    order = EndlessOrder([8, 8], seed=0, shuffle_shards=10)
    read = {r: [order[p] for s in range(4) for p in positions_of_step(s, 2, r, 2)] for r in (0, 1)}
    assert not set(read[0]) & set(read[1])
    assert sorted(read[0] + read[1]) == list(range(16))


def test_two_ranks_read_what_one_rank_of_twice_the_batch_reads() -> None:
    both = [*positions_of_step(5, 3, 0, 2), *positions_of_step(5, 3, 1, 2)]
    assert both == list(positions_of_step(5, 6))


def test_narrow_shuffle_reads_shard_after_shard() -> None:
    order = EndlessOrder([4, 4, 4], seed=1, shuffle_shards=1)
    shard_of = [order[p] // 4 for p in range(12)]
    assert sum(a != b for a, b in pairwise(shard_of)) == 2


def test_order_without_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="no sample"):
        EndlessOrder([0, 0], seed=0, shuffle_shards=1)


def test_weights_are_the_share_of_epochs_a_sample_is_read_in() -> None:
    weights = np.array([1.0, 0.5, 0.25, 0.0, 1.0, 0.1])
    order = EndlessOrder([3, 3], seed=2, shuffle_shards=10, weights=weights)
    epochs = 400
    counts = np.bincount([order[p] for p in range(int(epochs * weights.sum()))], minlength=6)
    assert np.allclose(counts / epochs, weights, atol=0.06)
    assert counts[3] == 0 and counts[0] == counts[4] == epochs


def test_a_thinned_order_reads_no_sample_twice_within_an_epoch_and_skips_no_position() -> None:
    order = EndlessOrder([5, 4], seed=1, shuffle_shards=10, weights=np.linspace(0.1, 0.9, 9))
    read = [order[p] for p in range(200)]
    epochs = [list(order.epoch(e)) for e in range(60)]
    assert [number for epoch in epochs for number in epoch][:200] == read
    assert all(len(set(epoch)) == len(epoch) for epoch in epochs)


def test_weights_of_one_read_as_no_weights_do() -> None:
    plain = EndlessOrder([5, 4], seed=1, shuffle_shards=1)
    weighted = EndlessOrder([5, 4], seed=1, shuffle_shards=1, weights=np.ones(9))
    assert [plain[p] for p in range(40)] == [weighted[p] for p in range(40)]


def test_duration_rules_are_the_published_ones() -> None:
    durations_s = np.array([75.0, 150.0, 240.0, 100.0, 100.1])
    pretrain = duration_weights(durations_s, 0.0, 150.0, 1.2)
    assert np.allclose(pretrain[:3], [0.5**1.2, 1, 1])
    sft = duration_weights(durations_s, 100.0, 0.0, 1.2)
    assert sft.tolist() == [0, 1, 1, 0, 1]
    assert duration_weights(durations_s, 0.0, 0.0, 1.2).tolist() == [1] * 5


def test_an_order_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="kept out by its duration"):
        EndlessOrder([2], seed=0, shuffle_shards=1, weights=np.zeros(2))
