"""Where given words are likely to lie: those that a transcriber heard (paired by their letters) are anchors, the others stand between them.

Words that are written and words that were heard are paired in order by how many pairs of neighbouring letters they share,
so that a word that was heard wrongly still counts for something. Between anchors the letters of what is written are spread
over the letters of what was heard, and those that are too many for it over its silences.

Shapes: W given words, H heard ones, L different pairs of letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from jam_model.words import Word

ALIKE = 0.4
"""Share of letter pairs, twice those in both over those of either, below which a word was not heard."""
GAP = 0.05
"""What passing over a word costs, of a word's worth."""
NEAR_S = 1.0
"""A word that lies farther from the heard one it is paired with lies elsewhere."""
AROUND = 5
"""Words to either side by which a word is borne out; both chosen on one song (docs/languages.md)."""
LETTER_S = 0.08
"""Of a letter before the first and behind the last word that was heard."""


def anchors(words: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (written, heard) of word numbers, both ascending: the best sum of likeness, less what is passed over."""
    if not words or not heard:
        return []
    gain_WH = likeness(words, heard) - ALIKE
    columns_H = GAP * np.arange(len(heard) + 1)
    best_H, came_WH = -columns_H, []
    for gain_H in gain_WH:
        paired_H = np.concatenate([[-np.inf], best_H[:-1] + np.where(gain_H > 0, gain_H, -np.inf)])
        down_H = np.maximum(paired_H, best_H - GAP)
        along_H = np.maximum.accumulate(down_H + columns_H) - columns_H
        came_WH.append(np.where(along_H > down_H + 1e-9, 2, np.where(paired_H >= best_H - GAP, 1, 0)))
        best_H = along_H
    pairs, word, place = [], len(words), len(heard)
    while word and place:
        came = int(came_WH[word - 1][place])
        if came == 1:
            pairs.append((word - 1, place - 1))
        word, place = word - (came < 2), place - (came > 0)
    return pairs[::-1]


def likeness(words: Sequence[str], heard: Sequence[str]) -> np.ndarray:
    """How alike every written word is to every heard one, [W, H] in [0, 1]: Dice's coefficient of their pairs of letters."""
    pairs = [_letter_pairs(word) for word in (*words, *heard)]
    numbers = {pair: number for number, pair in enumerate(sorted(set().union(*pairs)))}
    has_L = np.zeros((len(pairs), len(numbers)), np.float32)
    for row, of_word in enumerate(pairs):
        has_L[row, [numbers[pair] for pair in of_word]] = 1
    written_WL, heard_HL = has_L[: len(words)], has_L[len(words) :]
    sums_WH = written_WL.sum(axis=1)[:, None] + heard_HL.sum(axis=1)[None, :]
    return 2 * (written_WL @ heard_HL.T) / np.maximum(sums_WH, 1)


def borne_out(words: Sequence[str], starts_s: np.ndarray, heard: Sequence[Word]) -> np.ndarray:
    """How far what was heard bears out where each word lies, [W] in [0, 1]: how alike the words around it are to those they are
    paired with, a word counting for nothing that has none or lies elsewhere.
    """
    alike_W = np.zeros(len(words))
    if pairs := anchors(words, [word.text for word in heard]):
        alike_WH = likeness(words, [word.text for word in heard])
        for word, place in pairs:
            if abs(starts_s[word] - heard[place].start_s) <= NEAR_S:
                alike_W[word] = alike_WH[word, place]
    return around(alike_W)


def around(values_W: np.ndarray) -> np.ndarray:
    """The mean over each word and `AROUND` to either side of it, as far as there are any."""
    ones = np.ones(2 * AROUND + 1)
    sums_W, counts_W = (
        np.convolve(np.pad(one_W, AROUND), ones, "valid") for one_W in (values_W, np.ones(len(values_W)))
    )
    return sums_W / counts_W


def likely_times(words: Sequence[str], heard: Sequence[Word], duration_s: float) -> np.ndarray:
    """Start and end of every word, [W, 2] in seconds, ascending; even over the song where nothing was heard of them."""
    edges_W2 = _edges(words)
    pairs = anchors(words, [word.text for word in heard])
    if not pairs:
        return edges_W2 / edges_W2[-1, 1] * duration_s
    edges_H2, times_H2 = (
        _edges([word.text for word in heard]),
        np.array([[w.start_s, w.end_s] for w in heard]),
    )
    written, found = (np.array(side) for side in zip(*pairs, strict=True))
    (first, last), (first_heard, last_heard) = written[[0, -1]], found[[0, -1]]
    before_s = max(0.0, times_H2[0, 0] - (LETTER_S * edges_W2[first, 0] if not first_heard else 0.0))
    behind = edges_W2[-1, 1] - edges_W2[last, 1]
    after_s = times_H2[-1, 1] + (LETTER_S * behind if last_heard == len(heard) - 1 else 0.0)
    edges_H2 = edges_H2 + _widened(edges_W2, edges_H2, times_H2, pairs)
    from_K = np.concatenate([[0], edges_W2[written].ravel(), [edges_W2[-1, 1] + 1]])
    to_K = np.concatenate([[0], edges_H2[found].ravel() + 1, [edges_H2[-1, 1] + 2]])
    on_heard_W2 = np.interp(edges_W2.ravel(), from_K, to_K)
    at_K = np.concatenate([[0], edges_H2.ravel() + 1, [edges_H2[-1, 1] + 2]])
    times_K = np.concatenate([[before_s], times_H2.ravel(), [after_s]])
    times_W2 = np.interp(on_heard_W2, at_K, times_K).clip(0, duration_s)
    return np.maximum.accumulate(times_W2).reshape(-1, 2)


def _widened(
    edges_W2: np.ndarray, edges_H2: np.ndarray, times_H2: np.ndarray, pairs: Sequence[tuple[int, int]]
) -> np.ndarray:
    """Letters to move what was heard by, [H, 1]: what is written beyond it between anchors lies in its silences."""
    pauses_H = np.append(0.0, (times_H2[1:, 0] - times_H2[:-1, 1]).clip(0.0))
    wider_H = np.zeros(len(times_H2))
    for (word, place), (next_word, next_place) in pairwise(pairs):
        written = edges_W2[next_word, 0] - edges_W2[word, 1]
        beyond = max(0.0, written - (edges_H2[next_place, 0] - edges_H2[place, 1]))
        of_pauses = pauses_H[place + 1 : next_place + 1]
        wider_H[place + 1 : next_place + 1] = beyond * of_pauses / max(of_pauses.sum(), 1e-9)
    return np.cumsum(wider_H)[:, None]


def _edges(words: Sequence[str]) -> np.ndarray:
    """Where each word begins and ends on an axis of letters, one letter apart."""
    lengths = np.array([max(1, len(word)) for word in words])
    ends = np.cumsum(lengths + 1) - 1
    return np.stack([ends - lengths, ends], axis=1).astype(float)


def _letter_pairs(word: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", word.casefold())
    letters = "".join(char for char in plain if char.isalnum()) or word
    return {a + b for a, b in zip(f" {letters}", f"{letters} ", strict=True)}
