"""Sound without its silences: forced words that are not to fall into one must not be given one.

Attention has nowhere to go in silence. Of a pause of two seconds between two words `align` lays both into its middle, the one that had
ended a second late (findings/whisper_words_fall_into_pauses.sh); so pauses are cut out before, and the times put back behind.

Shapes: N samples, F frames of 20 ms, P those that stay.
"""

from __future__ import annotations

import numpy as np

FRAMES_A_SECOND = 50
BELOW_DB, FLOOR_DB = 40.0, -70.0
"""A frame is silent that is so far below the window's loud ones, or quieter than the floor of full scale."""
LONGEST_S, LEFT_S = 1.0, 0.25
"""Of silence that stays as it is; a longer one keeps so much at either end."""


def sounding(audio_N: np.ndarray, rate_hz: int) -> np.ndarray:
    """The numbers of the frames that stay, ascending, [P]; all of them where all is silent."""
    hop = rate_hz // FRAMES_A_SECOND
    frames_FN = np.pad(audio_N, (0, -len(audio_N) % hop)).reshape(-1, hop)
    level_F = 10 * np.log10(np.mean(np.square(frames_FN, dtype=np.float64), axis=1) + 1e-12)
    silent_F = level_F < max(FLOOR_DB, float(np.percentile(level_F, 95)) - BELOW_DB)
    edges = np.flatnonzero(np.diff(silent_F, prepend=False, append=False))
    longest, left = round(LONGEST_S * FRAMES_A_SECOND), round(LEFT_S * FRAMES_A_SECOND)
    stays_F = np.ones(len(level_F), bool)
    for first, end in edges.reshape(-1, 2):
        if end - first > longest:
            stays_F[first + left : end - left] = False
    return np.flatnonzero(stays_F) if not silent_F.all() else np.arange(len(level_F))


def of_frames(audio_N: np.ndarray, rate_hz: int, frames_P: np.ndarray) -> np.ndarray:
    """The sound of these frames, one behind the other."""
    hop = rate_hz // FRAMES_A_SECOND
    frames_FN = np.pad(audio_N, (0, -len(audio_N) % hop)).reshape(-1, hop)
    return frames_FN[frames_P].ravel()


def put_back(frames_P: np.ndarray, starts_K: np.ndarray, ends_K: np.ndarray) -> np.ndarray:
    """Times in seconds of words between frames `starts` and `ends` of what stayed, [K, 2]: none begins or ends within a pause."""
    last = len(frames_P) - 1
    starts_K = starts_K.clip(0, last)
    times_K2: np.ndarray = np.stack(
        [frames_P[starts_K], frames_P[(ends_K - 1).clip(starts_K, last)] + 1], axis=1
    )
    return times_K2 / FRAMES_A_SECOND
