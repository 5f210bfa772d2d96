"""Beats: F1 of two lists of beat times.

Conventions, those of mir_eval.beat.f_measure: matched one to one within 70 ms, as many as can be; no beats are cut from the beginning (mir_eval's
`evaluate` leaves out five seconds). Without a true beat there is no value; where beats were to be heard and none was, it is 0.

Source: S. Dixon, Evaluation of the Audio Beat Tracking System BeatRoot (Journal of New Music Research 36, 2007).
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.metrics.lyrics_alignment import num_matched

TOLERANCE_S = 0.07


def beat_f1(true_s: Sequence[float], found_s: Sequence[float]) -> float | None:
    """Of one song, in [0, 1]; None where there is no true beat."""
    if not len(true_s):
        return None
    return 2 * num_matched(true_s, found_s, TOLERANCE_S) / (len(true_s) + len(found_s))
