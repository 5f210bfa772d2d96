"""Onset F1 equals mir_eval's, whose matching is bipartite."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from eval.metrics.lyrics_alignment import TOLERANCE_S, num_matched, onset_scores

SEEDS = range(40)


def random_onsets(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Asked and heard onsets on a line short enough for many to be near several others."""
    generator = np.random.default_rng(seed)
    reference, hypothesis = (np.sort(generator.uniform(0, 1.5, generator.integers(0, 25))) for _ in range(2))
    return reference, np.concatenate([hypothesis, reference[:3] + TOLERANCE_S, reference[:2]])


def test_as_many_pairs_as_the_best_bipartite_matching() -> None:
    for seed in SEEDS:
        reference, hypothesis = random_onsets(seed)
        near = np.abs(reference[:, None] - hypothesis[None]) <= TOLERANCE_S - 1e-12
        wide = np.abs(reference[:, None] - hypothesis[None]) <= TOLERANCE_S + 1e-12
        least, most = (
            int((maximum_bipartite_matching(csr_matrix(grid)) >= 0).sum()) for grid in (near, wide)
        )
        assert least <= num_matched(reference, hypothesis, TOLERANCE_S) <= most, f"seed {seed}"


def test_scores_equal_mir_evals() -> None:
    onset = pytest.importorskip("mir_eval.onset")
    for seed in SEEDS:
        reference, hypothesis = random_onsets(seed)
        ours = onset_scores(list(reference), list(hypothesis))
        theirs = onset.f_measure(reference, np.sort(hypothesis), window=TOLERANCE_S)
        assert ours == pytest.approx(theirs, abs=1e-12), f"seed {seed}"


def test_early_onset_does_not_take_the_one_that_another_needs() -> None:
    assert onset_scores([1.00, 1.06], [1.03, 0.97]) == (1.0, 1.0, 1.0)


def test_silence_matches_nothing_and_one_onset_is_used_once() -> None:
    for reference, hypothesis in (([], []), ([1.0], []), ([], [1.0])):
        assert onset_scores(reference, hypothesis) == (0.0, 0.0, 0.0)
    assert onset_scores([1.0], [1.0, 1.01])[1] == 0.5
