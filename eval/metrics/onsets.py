"""Onset F1: do words start when they were asked to, whichever words they are?

The F-measure of mir_eval.onset (Raffel et al. 2014), with its tolerance: asked and heard onsets are matched one to
one, as many as can be, a pair being at most 50 ms apart. On a line the first that still fits is always a best
match, so one pass over both sorted lists finds as many pairs as mir_eval's bipartite matching.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.metrics.metric import SongMetric, Unmeasured
from eval.metrics.song import Song
from eval.metrics.word_timing import aligned_words

TOLERANCE_S = 0.05


def onset_scores(
    reference_s: Sequence[float], estimated_s: Sequence[float], tolerance_s: float = TOLERANCE_S
) -> tuple[float, float, float]:
    """(F1, precision, recall) of one song, each in [0, 1]; all 0 where either side has no onset, as mir_eval has it.

    Precision is the share of the heard onsets that were asked for, recall that of the asked ones that were heard, F1
    their harmonic mean.

    Raises:
        ValueError: the tolerance is negative.
    """
    if tolerance_s < 0:
        raise ValueError(f"tolerance_s is {tolerance_s}: give seconds, 0 or more (mir_eval: 0.05)")
    if not reference_s or not estimated_s:
        return 0.0, 0.0, 0.0
    matched = num_matched(reference_s, estimated_s, tolerance_s)
    precision, recall = matched / len(estimated_s), matched / len(reference_s)
    f1 = 2 * precision * recall / (precision + recall) if matched else 0.0
    return f1, precision, recall


def num_matched(reference_s: Sequence[float], estimated_s: Sequence[float], tolerance_s: float) -> int:
    """Most pairs of an asked and a heard onset, each used once, at most `tolerance_s` apart."""
    reference, hypothesis = sorted(reference_s), sorted(estimated_s)
    matched = first = 0
    for onset_s in hypothesis:
        while first < len(reference) and reference[first] < onset_s - tolerance_s:
            first += 1
        if first < len(reference) and reference[first] <= onset_s + tolerance_s:
            matched += 1
            first += 1
    return matched


def _f1(song: Song) -> float | Unmeasured | None:
    words = aligned_words(song)
    if not isinstance(words, tuple):
        return words
    return onset_scores(*([word.start_s for word in side] for side in words))[0]


ONSET_F1 = SongMetric(
    name="onset_f1",
    title="Onset F1",
    source="mir_eval.onset.f_measure, Raffel et al. 2014",
    range="[0, 1]",
    direction="higher",
    unit="",
    protocol="Starts of the reference words against starts of all words transcribed, matched one to one within "
    "50 ms, whatever the words; mean over songs.",
    measure=_f1,
    columns=("reference_words", "aligned_transcript"),
)
