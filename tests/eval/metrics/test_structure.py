"""Scores of parts and keys equal mir_eval's on random songs, and say nothing where there is nothing to say."""

from __future__ import annotations

from itertools import pairwise as neighbours

import numpy as np
import pytest

from bench.scores import COARSE_S, FINE_S, Part, boundary_hits, label_accuracy, pairwise
from eval.metrics.key import MODES, key_score

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def drawn_parts(generator: np.random.Generator, end_s: float) -> list[Part]:
    inner = np.sort(generator.uniform(0.05, end_s, generator.integers(1, 9))).tolist()
    return [(a, b, str(generator.choice([*"abc"]))) for a, b in neighbours([0.0, *inner, end_s])]


def test_parts_and_keys_score_as_mir_eval_has_them_and_not_where_there_are_none() -> None:
    mir_eval = pytest.importorskip("mir_eval")
    for seed in range(8):
        generator = np.random.default_rng(seed)
        true, found = (drawn_parts(generator, 8.03) for _ in range(2))
        sides = [
            (np.array([part[:2] for part in side]), [part[2] for part in side]) for side in (true, found)
        ]
        bounds = [[0.0, *(part[1] for part in side)] for side in (true, found)]
        for window_s in (FINE_S, COARSE_S):
            theirs = mir_eval.segment.detection(sides[0][0], sides[1][0], window=window_s, trim=True)
            assert boundary_hits(*bounds, window_s) == pytest.approx(theirs), (seed, window_s)
        theirs = mir_eval.segment.pairwise(*sides[0], *sides[1], frame_size=0.1)
        assert pairwise(true, found) == pytest.approx(theirs), seed
    for tonic in NAMES:
        for mode in MODES:
            for other in (f"{name} {its}" for name in NAMES for its in MODES):
                theirs = mir_eval.key.weighted_score(f"{tonic} {mode}", other)
                assert key_score(f"{tonic} {mode}", other) == theirs, (tonic, mode, other)

    assert boundary_hits([0, 9], [0, 4, 9], FINE_S) == (0.0, None, None)
    assert boundary_hits([0, 4, 9], [0, 9], FINE_S) == (None, 0.0, 0.0)
    halves = [(0.0, 2.0, "verse"), (2.0, 4.0, "chorus")]
    assert label_accuracy(halves, [(0.0, 1.5, "verse"), (1.5, 4.0, "verse")]) == 0.5
    assert label_accuracy(halves, [(0.0, 1.0, "chorus")]) == 0.0 and label_accuracy(halves, halves) == 1.0
    assert key_score("C major", None) == 0.0
    for run, told in (
        (lambda: boundary_hits([0], [0, 1], 0.5), "true_s has 1 boundaries"),
        (lambda: boundary_hits([0, 1], [1, 0], 0.5), "found_s has 2 boundaries"),
        (lambda: pairwise([], halves), "true has 0 parts"),
        (lambda: label_accuracy(halves, [(0, 3, "a"), (2, 4, "b")]), "found has 2 parts"),
        (lambda: key_score("H major", None), "give it as 'Eb minor'"),
    ):
        with pytest.raises(ValueError, match=told):
            run()
