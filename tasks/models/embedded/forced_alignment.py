"""Where given phones lie in frame posteriors: Viterbi over one chain of states, with fillers between words and a penalty for what is skipped.

The chain is ``filler w1p1 .. w1pn filler w2p1 .. filler``. A filler may be passed over; it takes silence,
and at a price anything else, so that sounds nobody wrote down do not push words aside.

Shape suffixes: T frames of 10 ms, V inventory, S states of the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tasks.engine.song import Refused

SILENCE = 0
NEVER = np.float32(-1e30)
MAX_CELLS = 2_000_000_000  # bytes of back-pointers: 45 minutes of song with 2,500 words


@dataclass(frozen=True, slots=True)
class Span:
    """Frames [first, end) of a word, and the geometric mean over its phones of their posterior."""

    first: int
    end: int
    score: float


def align_phones(
    frames_TV: np.ndarray,
    words: Sequence[Sequence[int]],
    filler_penalty: float,
    windows: Sequence[tuple[int, int]] | None = None,
) -> list[Span]:
    """The span of every word on the likeliest path.

    Args:
        frames_TV: log-probabilities of the inventory, 0 = silence.
        words: the phones of each word, as numbers of the inventory; none may be empty.
        filler_penalty: price in nats of a frame of sound that belongs to no word.
        windows: frames [first, end) that each word must keep within.

    Raises:
        Refused: ``too_many_words`` for the frames or for the memory, ``line_times`` (windows) that leave no path,
            ``no_phones``.
    """
    path_T, symbol_S, word_S = _path(frames_TV, words, filler_penalty, windows)
    return _spans(frames_TV, path_T, symbol_S, word_S, len(words))


def phone_frames(
    frames_TV: np.ndarray, words: Sequence[Sequence[int]], filler_penalty: float
) -> list[list[tuple[int, int]]]:
    """Frames [first, end) of every phone of every word on the path of `align_phones`. Raises as it does."""
    path_T, _, word_S = _path(frames_TV, words, filler_penalty, None)
    bounds_S = np.searchsorted(path_T, np.arange(len(word_S) + 1))  # the path never goes back
    return [
        [(int(bounds_S[state]), int(bounds_S[state + 1])) for state in np.flatnonzero(word_S == number)]
        for number in range(len(words))
    ]


def phones_within(frames_TV: np.ndarray, phones: Sequence[int | None]) -> list[Span] | None:
    """Where the phones of one word lie in its frames, one after the other from the first frame to the last, at least a frame
    each; None in `phones` is any sound. None: there are fewer frames than phones.

    Shapes: P phones.
    """
    num_frames, num_phones = len(frames_TV), len(phones)
    if num_frames < num_phones:
        return None
    sound_T = np.delete(frames_TV, SILENCE, axis=1).max(axis=1)
    heard_TP = np.stack([sound_T if one is None else frames_TV[:, one] for one in phones], axis=1)
    score_P = np.full(num_phones, NEVER, np.float32)
    score_P[0] = heard_TP[0, 0]
    stepped_TP = np.zeros((num_frames, num_phones), bool)
    for frame in range(1, num_frames):
        before_P = np.concatenate([[NEVER], score_P[:-1]])
        stepped_TP[frame] = before_P > score_P
        score_P = np.maximum(np.maximum(before_P, score_P) + heard_TP[frame], NEVER)
    bounds, phone = [num_frames], num_phones - 1
    for frame in range(num_frames - 1, 0, -1):
        if stepped_TP[frame, phone]:
            bounds.append(frame)
            phone -= 1
    bounds = [0, *reversed(bounds)]
    return [
        Span(first, end, float(np.exp(heard_TP[first:end, place].astype(np.float64)).mean()))
        for place, (first, end) in enumerate(pairwise(bounds))
    ]


def _path(
    frames_TV: np.ndarray,
    words: Sequence[Sequence[int]],
    filler_penalty: float,
    windows: Sequence[tuple[int, int]] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The state of every frame [T]; symbol and word of every state [S]."""
    symbol_S, word_S = _chain(words)
    num_frames, num_states = len(frames_TV), len(symbol_S)
    num_phones = num_states - len(words) - 1
    if num_phones > num_frames:
        raise Refused(
            "too_many_words",
            f"{len(words)} words of {num_phones} phones need more than {num_frames} frames of 10 ms",
        )
    if num_frames * num_states > MAX_CELLS:
        raise Refused(
            "too_many_words",
            f"{num_frames} frames x {num_states} states is above {MAX_CELLS}; split the song",
        )
    from_S, until_S = np.zeros(num_states, np.int64), np.full(num_states, num_frames)
    if windows is not None:
        edges = np.array(windows, np.int64).reshape(-1, 2)
        sung_S = word_S >= 0
        from_S[sung_S], until_S[sung_S] = edges[word_S[sung_S], 0], edges[word_S[sung_S], 1]
    return _viterbi(frames_TV, symbol_S, word_S, filler_penalty, from_S, until_S), symbol_S, word_S


def _chain(words: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Symbol and word number of every state; a filler has word -1."""
    symbols, word_of = [SILENCE], [-1]
    for number, phones in enumerate(words):
        if not phones:
            raise Refused("no_phones", f"word {number} has no phones")
        symbols += [*phones, SILENCE]
        word_of += [number] * len(phones) + [-1]
    return np.array(symbols), np.array(word_of)


def _viterbi(
    frames_TV: np.ndarray,
    symbol_S: np.ndarray,
    word_S: np.ndarray,
    filler_penalty: float,
    from_S: np.ndarray,
    until_S: np.ndarray,
) -> np.ndarray:
    """The state of every frame, [T]."""
    num_frames, num_states = len(frames_TV), len(symbol_S)
    filler_S = word_S < 0
    no_skip_S = np.ones(num_states, bool)  # only the first phone of a word may pass over the filler before it
    no_skip_S[2:] = ~(filler_S[1:-1] & ~filler_S[2:])
    came_TS = np.zeros((num_frames, num_states), np.uint8)
    floor = np.float32(-filler_penalty)

    def emission(frame: int) -> np.ndarray:
        row_S: np.ndarray = frames_TV[frame, symbol_S]
        np.maximum(row_S, floor, out=row_S, where=filler_S)
        row_S[(frame < from_S) | (frame >= until_S)] = NEVER
        return row_S

    score_S = np.full(num_states, NEVER, np.float32)
    score_S[:2] = emission(0)[:2]
    stepped_S, skipped_S = np.full_like(score_S, NEVER), np.full_like(score_S, NEVER)
    for frame in range(1, num_frames):
        stepped_S[1:] = score_S[:-1]
        skipped_S[2:] = score_S[:-2]
        skipped_S[no_skip_S] = NEVER
        came_S = came_TS[frame]
        came_S[stepped_S > score_S] = 1
        np.maximum(score_S, stepped_S, out=score_S)
        came_S[skipped_S > score_S] = 2
        np.maximum(score_S, skipped_S, out=score_S)
        score_S += emission(frame)
        np.maximum(score_S, NEVER, out=score_S)
    state = num_states - 1 if score_S[-1] >= score_S[-2] else num_states - 2
    if score_S[state] <= NEVER / 2:
        raise Refused("line_times", "the times given for the lines leave no room for their words")
    path_T = np.empty(num_frames, np.int64)
    for frame in range(num_frames - 1, -1, -1):
        path_T[frame] = state
        state -= int(came_TS[frame, state])
    return path_T


def _spans(
    frames_TV: np.ndarray, path_T: np.ndarray, symbol_S: np.ndarray, word_S: np.ndarray, num_words: int
) -> list[Span]:
    posterior_T = np.exp(frames_TV[np.arange(len(path_T)), symbol_S[path_T]].astype(np.float64))
    frames_of_S = np.bincount(path_T, minlength=len(symbol_S))
    mean_S = np.bincount(path_T, posterior_T, len(symbol_S)) / np.maximum(frames_of_S, 1)
    starts_S = np.searchsorted(path_T, np.arange(len(symbol_S)))  # the path never goes back
    sung = np.flatnonzero(word_S >= 0)
    firsts = sung[np.searchsorted(word_S[sung], np.arange(num_words))]
    lasts = sung[np.searchsorted(word_S[sung], np.arange(num_words), "right") - 1]
    return [
        Span(
            int(starts_S[first]),
            int(starts_S[last] + frames_of_S[last]),
            float(np.exp(np.log(np.clip(mean_S[first : last + 1], 1e-4, 1.0)).mean())),
        )
        for first, last in zip(firsts, lasts, strict=True)
    ]
