"""Word starts, estimated against reference, as mir_eval measures them (AAE, PCO, PCS): `alignment`, word by word, and matched onsets, whichever words.

A forced aligner is given the words, so every word of the reference has a time in the estimate and word i is word i.
Where words were generated and some are missing, word-start errors and the matched share (`eval.metrics.word_timing`)
are what fits: here such a song is not measured.

Conventions: word starts in seconds, in order, as many in the estimate as in the reference. Legend: N words.

Metrics, each over the words of a song, then the mean over songs:

- AAE, average absolute error: mean |reference - estimated|, and the median beside it.
- PCO, percentage of correct onsets: share of |reference - estimated| <= 0.3 s.
- PCS, percentage of correct segments, MIREX 2020's variant: word i lasts from its start to the next word's; overlap of
  both sides' segments over the time from the first to the last start of the reference. (Fujihara et al. 2011 take the
  song's duration too and count what lies before the first and after the last word: another number.)
- Onset F1, which needs no words: the F-measure of mir_eval.onset (Raffel et al. 2014), with its tolerance: asked and
  heard onsets are matched one to one, as many as can be, a pair being at most 50 ms apart. On a line the first that
  still fits is always a best match, so one pass over both sorted lists finds as many pairs as its bipartite matching.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from eval.metrics.metric import SongMetric, Unmeasured
from eval.metrics.song import Song
from eval.metrics.word_timing import aligned_words

WINDOW_S = 0.3
TOLERANCE_S = 0.05
NOT_ALL_WORDS = Unmeasured("not measured: no song has all of its words, and no others, aligned")
_Starts = tuple[np.ndarray, np.ndarray]


def absolute_error(reference_N: np.ndarray, estimated_N: np.ndarray) -> tuple[float, float]:
    """(mean, median) absolute error in seconds; raises as `validate`."""
    reference_N, estimated_N = validate(reference_N, estimated_N)
    errors_N = np.abs(reference_N - estimated_N)
    return float(errors_N.mean()), float(np.median(errors_N))


def percentage_correct(reference_N: np.ndarray, estimated_N: np.ndarray, window_s: float = WINDOW_S) -> float:
    """Share in [0, 1] of the words that start within `window_s` of the reference; raises as `validate`."""
    reference_N, estimated_N = validate(reference_N, estimated_N)
    return float((np.abs(reference_N - estimated_N) <= window_s).mean())


def percentage_correct_segments(reference_N: np.ndarray, estimated_N: np.ndarray) -> float | None:
    """Share in [0, 1] as MIREX 2020 has it; None where all words of the reference start at once.

    Raises as `validate`.
    """
    reference_N, estimated_N = validate(reference_N, estimated_N)
    whole_s = reference_N[-1] - reference_N[0]
    if whole_s <= 0:
        return None
    starts_N, ends_N = (
        np.maximum(reference_N[:-1], estimated_N[:-1]),
        np.minimum(reference_N[1:], estimated_N[1:]),
    )
    return float(np.maximum(ends_N - starts_N, 0).sum() / whole_s)


def validate(reference_N: np.ndarray, estimated_N: np.ndarray) -> _Starts:
    """Both sides as arrays [N].

    Raises:
        ValueError: a side is empty, not in order or below 0, or they have not equally many words.
    """
    sides = np.asarray(reference_N, float), np.asarray(estimated_N, float)
    for name, starts_N in zip(("reference", "estimated"), sides, strict=True):
        if starts_N.ndim != 1 or not len(starts_N):
            raise ValueError(f"{name} is {starts_N.shape}: give the start of at least one word, in seconds")
        if not (starts_N[0] >= 0 and (np.diff(starts_N) >= 0).all()):
            raise ValueError(f"{name} is not in order from 0 s on: sort the words by their starts")
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"estimated has {len(sides[1])} words, reference {len(sides[0])}: align the same words"
        )
    return sides


def onset_scores(reference_s: Sequence[float], estimated_s: Sequence[float]) -> tuple[float, float, float]:
    """(F1, precision, recall) of one song, each in [0, 1]; all 0 where either side has no onset, as mir_eval has it.

    Precision is the share of the heard onsets that were asked for, recall that of the asked ones that were heard, F1
    their harmonic mean.
    """
    if not reference_s or not estimated_s:
        return 0.0, 0.0, 0.0
    matched = num_matched(reference_s, estimated_s, TOLERANCE_S)
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


@lru_cache(maxsize=1)
def _starts(song: Song) -> _Starts | Unmeasured | None:
    """Of a song whose aligned words are the asked ones; kept for one song, since all metrics here take it in turn."""
    words = aligned_words(song)
    if not isinstance(words, tuple):
        return words
    reference, placed = words
    if not reference or [word.word for word in reference] != [word.word for word in placed]:
        return NOT_ALL_WORDS
    return np.array([word.start_s for word in reference]), np.array([word.start_s for word in placed])


def _metric(
    name: str,
    title: str,
    protocol: str,
    formula: Callable[[np.ndarray, np.ndarray], float | None],
    in_seconds: bool = False,
) -> SongMetric:
    def measure(song: Song) -> float | Unmeasured | None:
        starts = _starts(song)
        return formula(*starts) if isinstance(starts, tuple) else starts

    return SongMetric(
        name=name,
        title=title,
        source="mir_eval.alignment; MIREX 2020 lyrics alignment",
        range="[0, inf)" if in_seconds else "[0, 1]",
        direction="lower" if in_seconds else "higher",
        unit="s" if in_seconds else "",
        protocol=f"{protocol} Only over songs whose aligned words are exactly the asked ones; mean over songs.",
        decimals=3 if in_seconds else 1,
        percent=not in_seconds,
        measure=measure,
        columns=("reference_words", "aligned_transcript"),
        optional=True,
    )


AAE_MEAN = _metric(
    "aae_mean",
    "AAE, mean",
    "Mean absolute difference between asked and aligned word start.",
    lambda reference_N, estimated_N: absolute_error(reference_N, estimated_N)[0],
    in_seconds=True,
)
AAE_MEDIAN = _metric(
    "aae_median",
    "AAE, median",
    "Median absolute difference between asked and aligned word start.",
    lambda reference_N, estimated_N: absolute_error(reference_N, estimated_N)[1],
    in_seconds=True,
)
PCO = _metric(
    "pco", "PCO, 0.3 s", "Share of the words aligned within 0.3 s of the asked start.", percentage_correct
)
PCS = _metric(
    "pcs",
    "PCS (MIREX 2020)",
    "Share of the time from the first to the last asked start in which asked and aligned word agree, a word lasting to "
    "the next one's start.",
    percentage_correct_segments,
)


def _f1(song: Song) -> float | Unmeasured | None:
    words = aligned_words(song)
    if not isinstance(words, tuple):
        return words
    reference_s, estimated_s = ([word.start_s for word in side] for side in words)
    return onset_scores(reference_s, estimated_s)[0]


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
