"""Words and phones from CTC posteriors: greedy phones, and a word loop over a closed lexicon.

Shape suffixes: U frames of 20 ms, V inventory, S states of the word loop, W words of the lexicon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

BLANK = 0
NEVER = np.float32(-1e9)


def greedy_phones(ctc_UV: np.ndarray) -> list[int]:
    """The best symbol of every frame, repeats merged, blanks dropped. No word knowledge."""
    best_U = ctc_UV.argmax(1)
    changed_U = np.diff(best_U, prepend=-1) != 0
    return [int(phone) for phone in best_U[changed_U & (best_U != BLANK)]]


def edits(reference: Sequence[int] | Sequence[str], hypothesis: Sequence[int] | Sequence[str]) -> int:
    """Least number of insertions, deletions and substitutions that turn one sequence into the other."""
    if not reference or not hypothesis:
        return max(len(reference), len(hypothesis))
    asked_array = np.array(reference)
    position = np.arange(len(reference) + 1)
    row = position
    for number, one in enumerate(hypothesis, start=1):
        kept = np.minimum(row[:-1] + (asked_array != one), row[1:] + 1)
        # a step along the row costs 1: the running minimum of value - position takes all such steps at once
        row = np.minimum.accumulate(np.concatenate([[number], kept]) - position) + position
    return int(row[-1])


class WordLoop:
    """Viterbi search for the likeliest sequence of lexicon words, each as likely as any other.

    A word with phones p1 .. pn has the states ``blank p1 blank p2 ... pn blank``; inner blanks may be
    skipped between different phones. After a word's last phone or blank any word may follow at the price
    `word_penalty` (in nats, positive: it keeps short words from being inserted).
    """

    def __init__(self, lexicon: Mapping[str, Sequence[int]], word_penalty: float) -> None:
        self.words = list(lexicon)
        self.word_penalty = np.float32(word_penalty)
        symbols: list[int] = []
        skips: list[bool] = []
        word_of: list[int] = []
        first: list[int] = []
        last: list[int] = []
        for number, phones in enumerate(lexicon.values()):
            if not phones:
                raise ValueError(
                    f"lexicon: {self.words[number]!r} has no phones; give it some or leave it out"
                )
            first.append(len(symbols))
            for i, phone in enumerate(phones):
                symbols += [BLANK, phone]
                skips += [False, i > 0 and phones[i - 1] != phone]
            symbols.append(BLANK)
            skips.append(False)
            last.append(len(symbols) - 1)
            word_of += [number] * (2 * len(phones) + 1)
        self._symbol_S = np.array(symbols)
        self._word_S = np.array(word_of)
        firsts = np.array(first)
        self._entries = np.concatenate(
            [firsts, firsts + 1]
        )  # a word begins with its blank or its first phone
        self._exits = np.concatenate([np.array(last), np.array(last) - 1])
        self._no_step_S = np.isin(np.arange(len(symbols)), firsts)
        self._no_skip_S = ~np.array(skips)

    def decode(self, ctc_UV: np.ndarray) -> list[str]:
        """The likeliest words; empty when the likeliest reading of the whole is blank throughout."""
        emission_US = np.ascontiguousarray(ctc_UV[:, self._symbol_S])
        num_states = len(self._symbol_S)
        score_S = np.full(num_states, NEVER, np.float32)
        score_S[self._entries] = emission_US[0, self._entries] - self.word_penalty
        entered_S = np.full(num_states, -1)  # which word boundary a path last came through
        boundaries: list[tuple[int, int]] = []  # (boundary before, word that ended)
        silence = float(ctc_UV[0, BLANK])  # the path without a word
        for frame in range(1, len(ctc_UV)):
            leaver = self._exits[score_S[self._exits].argmax()]
            best_exit = score_S[leaver]
            boundaries.append((int(entered_S[leaver]), int(self._word_S[leaver])))
            boundary = len(boundaries) - 1
            if silence > best_exit:
                best_exit = np.float32(silence)
                boundaries[-1] = (-1, -1)
            stepped_S = np.empty_like(score_S)
            stepped_S[0], stepped_S[1:] = NEVER, score_S[:-1]
            stepped_S[self._no_step_S] = NEVER
            skipped_S = np.empty_like(score_S)
            skipped_S[:2], skipped_S[2:] = NEVER, score_S[:-2]
            skipped_S[self._no_skip_S] = NEVER
            came_S = np.where(stepped_S > score_S, 1, 0)
            best_S = np.maximum(score_S, stepped_S)
            came_S[skipped_S > best_S] = 2
            best_S = np.maximum(best_S, skipped_S)
            entered_S = entered_S[np.arange(num_states) - came_S]
            fresh = self._entries[best_exit - self.word_penalty > best_S[self._entries]]
            best_S[fresh] = best_exit - self.word_penalty
            entered_S[fresh] = boundary
            score_S = best_S + emission_US[frame]
            silence += float(ctc_UV[frame, BLANK])
        leaver = self._exits[score_S[self._exits].argmax()]
        if silence >= score_S[leaver]:
            return []
        found = [int(self._word_S[leaver])]
        boundary = int(entered_S[leaver])
        while boundary >= 0:
            boundary, word = boundaries[boundary]
            if word >= 0:
                found.append(word)
        return [self.words[word] for word in reversed(found)]
