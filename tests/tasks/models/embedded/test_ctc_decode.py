"""The word loop finds the best of all word sequences, and `edits` the least number: held against trying every one."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from tasks.models.embedded.ctc_decode import BLANK, WordLoop, edits

LEXICON = {"ah": [1], "ba": [2, 1], "bab": [2, 1, 2], "aa": [1, 1]}
PENALTY = 0.7


def log_probabilities(seed: int, frames: int = 6) -> np.ndarray:
    logits_UV = 2 * np.random.default_rng(seed).standard_normal((frames, 3))
    return (logits_UV - np.log(np.exp(logits_UV).sum(1, keepdims=True))).astype(np.float32)


def best_score(ctc_UV: np.ndarray, words: tuple[str, ...]) -> float:
    """Of the likeliest path that reads exactly these words, by every allowed step."""
    if not words:
        return float(ctc_UV[:, BLANK].sum())
    states: list[tuple[int, bool]] = []  # symbol, and whether the blank before it may be left out
    for word in words:
        phones = LEXICON[word]
        for i, phone in enumerate(phones):
            states += [(BLANK, False), (phone, i == 0 or phones[i - 1] != phone)]
        states.append((BLANK, False))

    def steps_into(state: int) -> list[int]:
        symbol, skips = states[state]
        before = [state, state - 1] + [state - 2] * skips
        if (
            symbol == BLANK and state and states[state - 1][0] == BLANK
        ):  # a word begins: the last may end on its phone
            before.append(state - 2)
        if (
            skips and state > 1 and states[state - 2][0] == BLANK
        ):  # its first phone, straight after a last phone
            before.append(state - 3)
        return [state for state in before if state >= 0]

    @cache
    def score(frame: int, state: int) -> float:
        here = float(ctc_UV[frame, states[state][0]])
        if frame == 0:
            return here if state < 2 else -np.inf
        return here + max(score(frame - 1, before) for before in steps_into(state))

    last = len(ctc_UV) - 1
    return max(score(last, len(states) - 1), score(last, len(states) - 2)) - PENALTY * len(words)


def test_the_words_read_are_the_likeliest_of_all_sequences() -> None:
    for seed in range(60):
        known = list(LEXICON)[seed % 3 :]  # without "ah", one sung "a" must not be read as "aa"
        loop = WordLoop({word: LEXICON[word] for word in known}, PENALTY)
        sequences = [words for n in range(4) for words in product(known, repeat=n)]
        ctc_UV = log_probabilities(seed)
        best = max(sequences, key=lambda words: best_score(ctc_UV, words))
        found = tuple(loop.decode(ctc_UV))
        assert best_score(ctc_UV, found) >= best_score(ctc_UV, best) - 1e-4, (
            f"seed {seed}: {found}, not {best}"
        )


def test_edits_are_as_few_as_trying_every_way_finds() -> None:
    @cache
    def fewest(left: tuple[int, ...], right: tuple[int, ...]) -> int:
        if not left or not right:
            return len(left) + len(right)
        kept = fewest(left[1:], right[1:]) + (left[0] != right[0])
        return min(kept, fewest(left[1:], right) + 1, fewest(left, right[1:]) + 1)

    for seed in range(50):
        random = np.random.default_rng(seed)
        left, right = (tuple(random.integers(0, 3, random.integers(0, 7)).tolist()) for _ in range(2))
        assert edits(left, right) == fewest(left, right), f"seed {seed}"
