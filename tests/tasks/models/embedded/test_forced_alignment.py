"""Forced alignment finds the best of all paths: held against trying every one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tasks.models.embedded.forced_alignment import SILENCE, align_phones

PENALTY = 1.5


def chain(words: list[list[int]]) -> list[tuple[int, int]]:
    """Symbol and word of every state; a filler is of no word."""
    states = [(SILENCE, -1)]
    for number, phones in enumerate(words):
        states += [*((phone, number) for phone in phones), (SILENCE, -1)]
    return states


def paths(states: list[tuple[int, int]], num_frames: int) -> Iterator[list[int]]:
    """Every way through the chain: stay, go on, or pass over a filler; it ends in the last word or behind it."""

    def grow(path: list[int]) -> Iterator[list[int]]:
        if len(path) == num_frames:
            if path[-1] >= len(states) - 2:
                yield path
            return
        here = path[-1]
        steps = [0, 1] + [2] * (here + 2 < len(states) and states[here + 1][1] < 0)
        for step in steps:
            if here + step < len(states):
                yield from grow([*path, here + step])

    for first in (0, 1):
        yield from grow([first])


def spans_by_trying_all(frames_TV: np.ndarray, words: list[list[int]]) -> list[tuple[int, int]]:
    states = chain(words)

    def score(path: list[int]) -> float:
        total = 0.0
        for frame, state in enumerate(path):
            symbol, word = states[state]
            value = float(frames_TV[frame, symbol])
            total += max(value, -PENALTY) if word < 0 else value
        return total

    best = max(paths(states, len(frames_TV)), key=score)
    where = [[f for f, state in enumerate(best) if states[state][1] == word] for word in range(len(words))]
    return [(frames[0], frames[-1] + 1) for frames in where]


@pytest.mark.parametrize("words", [[[1, 2], [3]], [[1], [1]], [[2, 2, 1]], [[3], [1, 3]]], ids=str)
def test_words_lie_where_the_best_of_all_paths_has_them(words: list[list[int]]) -> None:
    for seed in range(20):
        logits_TV = 2 * np.random.default_rng(seed).standard_normal((8, 4))
        frames_TV = (logits_TV - np.log(np.exp(logits_TV).sum(1, keepdims=True))).astype(np.float32)
        found = [(span.first, span.end) for span in align_phones(frames_TV, words, PENALTY)]
        assert found == spans_by_trying_all(frames_TV, words), f"seed {seed}"
