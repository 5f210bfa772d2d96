"""Scores that measurements take and no report holds: SI-SDR of a stem, boundaries and frames of parts, the cosine of two chromas.

**Boundaries** are those of mir_eval.segment.detection with trim=True: the first and the last of both sides are left out, since a song's start and end
are found by nobody; the others are matched one to one, as many as can be, within the window. mir_eval has 0 where either side has no
inner boundary; here a precision without a found one and a recall without a true one are None, and F is None only where there is no true
one: of a song in one part nothing can be hit (D. Turnbull et al., ISMIR 2007).

**Frames**: one every 0.1 s from 0 to the true end, with the label of the part it begins in. `pairwise` is mir_eval.segment.pairwise: blind to
names, so that a chorus called A is as good, and None where mir_eval divides 0 by 0 (M. Levy, M. Sandler, 2008). `label_accuracy` is the share of
the true seconds that have the true name, exact, without frames.

**Chroma cosine**, JASCO's and MusicGen's measure of melody: the mean over frames of the cosine of two chroma vectors of the same frame, in [0, 1]. A
frame in which nothing was asked for (all 0) is left out; one that is silent though something was asked for counts 0. Which chroma it
is belongs to the number (J. Copet et al., arXiv 2306.05284).
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eval.metrics.lyrics_alignment import num_matched

FINE_S, COARSE_S = 0.5, 3.0
FRAME_S = 0.1
FLOOR = np.finfo(np.float64).eps
Part = tuple[float, float, str]
"""Start, end and label; parts of a song are in order and do not overlap."""


class Hits(NamedTuple):
    """Shares in [0, 1] of a song; None where there is nothing to take a share of."""

    precision: float | None
    recall: float | None
    f: float | None


def si_sdr(estimate_N: np.ndarray, reference_N: np.ndarray) -> float | None:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, arXiv 1811.02508, equation 3), both without their mean;
    None where the reference or the estimate is silent, which leaves it undefined.

    A perfect copy is limited by float64 to some 150 dB instead of infinity.

    Raises:
        ValueError: the two are not mono signals of one length.
    """
    if estimate_N.ndim != 1 or estimate_N.shape != reference_N.shape:
        raise ValueError(
            f"estimate is {estimate_N.shape} and reference {reference_N.shape}: both must be mono, of "
            "one length"
        )
    estimate = estimate_N.astype(np.float64) - estimate_N.mean(dtype=np.float64)
    reference = reference_N.astype(np.float64) - reference_N.mean(dtype=np.float64)
    energy = reference @ reference
    if energy == 0 or not estimate.any():
        return None
    target = (estimate @ reference / energy) * reference
    distortion = estimate - target
    signal, noise = target @ target, distortion @ distortion
    whole = signal + noise
    return float(10 * np.log10(max(signal, FLOOR * whole) / max(noise, FLOOR * whole)))


def si_sdr_gain(estimate_N: np.ndarray, mix_N: np.ndarray, reference_N: np.ndarray) -> float | None:
    """How many dB the separation adds over leaving the mix as it is."""
    separated, mixed = si_sdr(estimate_N, reference_N), si_sdr(mix_N, reference_N)
    return None if separated is None or mixed is None else separated - mixed


def boundary_hits(true_s: Sequence[float], found_s: Sequence[float], window_s: float) -> Hits:
    """Hits of all boundaries in ascending order, those of the song's start and end among them.

    Raises:
        ValueError: a list lacks start and end, or does not ascend.
    """
    for name, times_s in (("true_s", true_s), ("found_s", found_s)):
        if len(times_s) < 2 or any(b <= a for a, b in itertools.pairwise(times_s)):
            raise ValueError(
                f"{name} has {len(times_s)} boundaries; give at least start and end, each later than the one before"
            )
    true, found = list(true_s[1:-1]), list(found_s[1:-1])
    hits = num_matched(true, found, window_s)
    return Hits(
        hits / len(found) if found else None,
        hits / len(true) if true else None,
        2 * hits / (len(true) + len(found)) if true else None,
    )


def pairwise(true: Sequence[Part], found: Sequence[Part]) -> Hits:
    """Precision, recall and F of pairs of frames with one label.

    Raises:
        ValueError: a side has no part, or they overlap.
    """
    num_frames = int((_checked(true, "true")[-1][1] + 1e-9) / FRAME_S)
    _checked(found, "found")
    labels = [[_label_at(parts, frame * FRAME_S) for frame in range(num_frames)] for parts in (true, found)]
    pairs = [_pairs(Counter(side)) for side in labels]
    both = _pairs(Counter(zip(*labels, strict=True)))
    precision = both / pairs[1] if pairs[1] else None
    recall = both / pairs[0] if pairs[0] else None
    return Hits(precision, recall, 2 * both / (pairs[0] + pairs[1]) if pairs[0] else None)


def label_accuracy(true: Sequence[Part], found: Sequence[Part]) -> float:
    """The share of the seconds of the true parts that have the true label.

    Raises:
        ValueError: a side has no part, or they overlap.
    """
    _checked(true, "true")
    right_s = sum(
        max(0.0, min(end, its_end) - max(start, its_start))
        for start, end, label in true
        for its_start, its_end, its_label in _checked(found, "found")
        if label == its_label
    )
    return right_s / sum(end - start for start, end, _ in true)


def chroma_cosine(asked_TP: np.ndarray, found_TP: np.ndarray) -> float | None:
    """Of two chromas [T, 12] of one song; None where nothing was asked for.

    Raises:
        ValueError: of different shapes, or negative.
    """
    if asked_TP.shape != found_TP.shape or asked_TP.ndim != 2:
        raise ValueError(
            f"chroma {list(asked_TP.shape)} and {list(found_TP.shape)}; give two [T, 12] of equal length"
        )
    if min(asked_TP.min(initial=0.0), found_TP.min(initial=0.0)) < 0:
        raise ValueError("a chroma has negative values; give powers or levels")
    asked_T, found_T = (np.linalg.norm(side_TP, axis=1) for side_TP in (asked_TP, found_TP))
    given_T = asked_T > 0
    if not given_T.any():
        return None
    product_T = (asked_TP * found_TP).sum(axis=1)[given_T]
    norm_T = (asked_T * found_T)[given_T]
    return float(np.divide(product_T, norm_T, out=np.zeros_like(product_T), where=norm_T > 0).mean())


def _checked(parts: Sequence[Part], name: str) -> Sequence[Part]:
    if not parts or any(after[0] < before[1] for before, after in itertools.pairwise(parts)):
        raise ValueError(f"{name} has {len(parts)} parts; give at least one, in order and without overlap")
    return parts


def _label_at(parts: Sequence[Part], time_s: float) -> str | None:
    """The label of the part in which a time lies; None in none, which is a label like another."""
    place = bisect_right(parts, time_s + 1e-9, key=lambda part: part[0]) - 1
    return parts[place][2] if place >= 0 and time_s <= parts[place][1] else None


def _pairs(counts: Counter) -> int:
    return sum(count * (count - 1) // 2 for count in counts.values())
