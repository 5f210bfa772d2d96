"""Lyrics alignment: how near do force-aligned words start to where they are sung? As MIREX and mir_eval.alignment.

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
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from eval.metrics.metric import SongMetric, Unmeasured
from eval.metrics.song import Song
from eval.metrics.word_timing import aligned_words

WINDOW_S = 0.3
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
