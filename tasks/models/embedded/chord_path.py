"""The chords of a song from how well each fits each frame: templates, the steadiest path, and spans of it.

Shapes: T frames, S chords, P pitch classes.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from eval.metrics.controls.chord_labels import NAMES, NO_CHORD, QUALITIES
from tasks.models.embedded.tones import PITCH_CLASSES

OF_TEMPLATES = ("maj", "min", "7", "maj7", "min7")
PARTIALS, FALL = 3, 0.3  # of each tone in a template, and what is left of one in the next
SHARPNESS = 18.0  # log likelihood a unit of correlation
OF_NO_CHORD = 0.3  # the correlation that no chord at all stands for


def template_labels() -> list[str]:
    """What the states of `template_fit` are called."""
    return [NO_CHORD, *(f"{name}:{quality}" for quality in OF_TEMPLATES for name in NAMES)]


def template_fit(chroma_TP: np.ndarray) -> np.ndarray:
    """Log likelihood of each chord in each frame but for a constant, [T, S]: the correlation with what its tones and their
    partials would sound like.
    """
    centred_TP = chroma_TP - chroma_TP.mean(axis=1, keepdims=True)
    norm_T1 = np.linalg.norm(centred_TP, axis=1, keepdims=True)
    centred_TP = np.divide(centred_TP, norm_T1, out=np.zeros_like(centred_TP), where=norm_T1 > 0)
    templates = [_template(quality) for quality in OF_TEMPLATES]
    rolled_SP = np.array([np.roll(one_P, root) for one_P in templates for root in range(PITCH_CLASSES)])
    fit_TS = SHARPNESS * (centred_TP @ rolled_SP.T)
    return np.concatenate([np.full((len(fit_TS), 1), SHARPNESS * OF_NO_CHORD), fit_TS], axis=1)


def steady_path(fit_TS: np.ndarray, change_cost: float, start: int | None = None) -> np.ndarray:
    """Viterbi: the state of each frame that maximises the sum of log likelihoods less a cost for every change, int [T].

    `start`: the state of the first frame, where it is known.
    """
    num_frames, num_states = fit_TS.shape
    states_S = np.arange(num_states)
    came_from_TS = np.zeros((num_frames, num_states), np.int32)
    best_S = np.zeros(num_states) if start is None else np.where(states_S == start, 0.0, -np.inf)
    for frame in range(num_frames):
        if frame:
            leap = best_S.max() - change_cost
            stays_S = best_S > leap
            came_from_TS[frame] = np.where(stays_S, states_S, best_S.argmax())
            best_S = np.where(stays_S, best_S, leap)
        best_S = best_S + fit_TS[frame]
    path_T = np.zeros(num_frames, np.int64)
    if num_frames:
        path_T[-1] = best_S.argmax()
    for frame in range(num_frames - 1, 0, -1):
        path_T[frame - 1] = came_from_TS[frame, path_T[frame]]
    return path_T


def runs_of(path_T: np.ndarray, fit_TS: np.ndarray) -> list[tuple[int, int, int, float]]:
    """(state, first frame, frame behind the last, score) of each run of a path; the score is the mean probability of its state in
    its frames, had a frame no neighbours.
    """
    if not len(path_T):
        return []
    edges = [0, *(np.flatnonzero(np.diff(path_T)) + 1).tolist(), len(path_T)]
    likelihood_TS = np.exp(fit_TS - fit_TS.max(axis=1, keepdims=True))
    chance_T = likelihood_TS[np.arange(len(path_T)), path_T] / likelihood_TS.sum(axis=1)
    return [
        (int(path_T[first]), first, last, float(chance_T[first:last].mean()))
        for first, last in pairwise(edges)
    ]


def _template(quality: str) -> np.ndarray:
    """Of the chord over C, its mean 0 and its norm 1, [P]."""
    template_P = np.zeros(PITCH_CLASSES)
    for tone in QUALITIES[quality]:
        for partial in range(1, PARTIALS + 1):
            template_P[(tone + round(12 * np.log2(partial))) % PITCH_CLASSES] += FALL ** (partial - 1)
    template_P -= template_P.mean()
    return template_P / np.linalg.norm(template_P)
