"""Parts of a song by how alike its beats sound: the cut into parts whose beats are most alike, at a price for every cut.

The cost of a part is the sum of squares of its beats about their mean, which is what a block on the diagonal of the self-similarity matrix
holds; where a block of another sound begins, the checkerboard of Foote's novelty has its peak. All cuts are weighed together
(J. Foote, Automatic Audio Segmentation Using a Measure of Audio Novelty, ICME 2000; least squares by dynamic programming as in W. Fisher,
On Grouping for Maximum Homogeneity, JASA 1958). Parts of whole bars are a little cheaper. A beat is heard by levels and their rises in bands of
middle and side signal; the side weighs more, since voices stand in the middle and come and go within parts.

Shapes: N samples, F frames, B bands, Q beats, D numbers of a beat, P parts.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded.beat_times import FRAME_RATE_HZ, HOP, SIZE, track_beats
from tasks.models.embedded.spectra import band_energies, decibels, mel_bank, power, stft

NUM_BANDS, LOW_HZ, HIGH_HZ, FLOOR = 24, 40.0, 14_000.0, 1e-5
MIDDLE, SIDE = 0.5, 2.0
STEADY_DB = 0.3
LONGEST_STEP_S = 0.75
"""Longer beats are halved: a cut must be found within half a second."""
CUT_COST, ODD_COST, SHORT_COST = 1.5, 0.3, 50.0
MIN_BEATS, MAX_PART_S = 4, 150.0
ALIKE_COST = 0.4
SHORT_SHARE = 0.6
"""A first or last part that is shorter than this share of the middle one of all lengths is called intro or outro."""


def heard_parts(mix_CN: np.ndarray) -> list[tuple[str, float, float]]:
    """The parts of a mix [2, N] at 44.1 kHz as (label, start, end), one behind the other from 0 to its end."""
    duration_s = mix_CN.shape[1] / SAMPLE_RATE_HZ
    edges_s = steps_of(mix_CN)
    sound_QD = sound_of_beats(mix_CN, edges_s)
    cuts = cheapest_cuts(sound_QD, round(MAX_PART_S / max(duration_s, 1e-9) * len(sound_QD)) + 1)
    labels = labels_of_parts(sound_QD, cuts)
    bounds_s = [float(edges_s[cut]) for cut in cuts]
    return [(label, *span) for label, span in zip(labels, pairwise(bounds_s), strict=True)]


def steps_of(mix_CN: np.ndarray) -> np.ndarray:
    """The bounds of beats of a mix [2, N] in seconds from 0 to its end, half beats where they are long, [Q + 1]; half seconds without any beat."""
    duration_s = mix_CN.shape[1] / SAMPLE_RATE_HZ
    heard = track_beats(mix_CN)
    if heard.step_s is None or len(heard.times_s) < 2:
        return np.append(np.arange(0, max(duration_s - 0.25, 0.1), 0.5), duration_s)
    times_s, step_s = heard.times_s, heard.step_s
    while step_s > LONGEST_STEP_S:
        times_s = np.sort(np.concatenate([times_s, (times_s[1:] + times_s[:-1]) / 2]))
        step_s /= 2
    before_s = np.arange(times_s[0] - step_s, 0, -step_s)[::-1]
    after_s = np.arange(times_s[-1] + step_s, duration_s, step_s)
    all_s = np.concatenate([before_s, times_s, after_s])
    inner_s = all_s[(all_s > 0.3 * step_s) & (all_s < duration_s - 0.3 * step_s)]
    return np.concatenate([[0.0], inner_s, [duration_s]])


def sound_of_beats(mix_CN: np.ndarray, edges_s: np.ndarray) -> np.ndarray:
    """What each beat sounds like beside the others of its song, its mean square about 1, [Q, D]."""
    bank_BK = mel_bank(NUM_BANDS, LOW_HZ, HIGH_HZ, SIZE)
    columns, weights = [], []
    for signal_N, weight in (
        ((mix_CN[0] + mix_CN[1]) / 2, MIDDLE),
        ((mix_CN[0] - mix_CN[1]) / 2, SIDE),
    ):
        level_FB = decibels(band_energies(power(stft(signal_N, SIZE, HOP)), bank_BK), FLOOR).astype(
            np.float64
        )
        rise_FB = np.maximum(np.diff(level_FB, axis=0, prepend=level_FB[:1]), 0)
        for of_frames in (level_FB, rise_FB):
            of_beats = _means(of_frames, edges_s)
            spread_B = of_beats.std(axis=0)
            if spread_B.max(initial=0.0) > 0:
                columns.append(
                    (of_beats - of_beats.mean(axis=0)) / (spread_B + STEADY_DB) * np.sqrt(weight / NUM_BANDS)
                )
                weights.append(weight)
    if not columns:
        return np.zeros((len(edges_s) - 1, 1))
    return np.hstack(columns) / np.sqrt(sum(weights))


def cheapest_cuts(sound_QD: np.ndarray, longest: int) -> list[int]:
    """The bounds of parts, in beats from 0 to Q, that cost least; none is longer than `longest`."""
    num_beats = len(sound_QD)
    sums = np.vstack([np.zeros((1, sound_QD.shape[1])), np.cumsum(sound_QD, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((sound_QD**2).sum(axis=1))])
    best, before = np.zeros(num_beats + 1), np.zeros(num_beats + 1, int)
    for end in range(1, num_beats + 1):
        first = np.arange(max(0, end - longest), end)
        beats = end - first
        within = squares[end] - squares[first] - ((sums[end] - sums[first]) ** 2).sum(axis=1) / beats
        odd = np.where((beats % 8 == 0) | (beats % 6 == 0), 0.0, 1.0)
        odd[(odd > 0) & ((beats % 4 == 0) | (beats % 3 == 0))] = 0.5
        cost = (
            best[first]
            + within
            + CUT_COST
            + ODD_COST * odd
            + SHORT_COST * ((beats < MIN_BEATS) & (end >= MIN_BEATS))
        )
        chosen = int(np.argmin(cost))
        best[end], before[end] = cost[chosen], first[chosen]
    cuts = [num_beats]
    while cuts[-1] > 0:
        cuts.append(int(before[cuts[-1]]))
    return cuts[::-1]


def labels_of_parts(sound_QD: np.ndarray, cuts: list[int]) -> list[str]:
    """A guess: what is short at either end is intro and outro; of the rest, what sounds alike and comes again is the chorus and
    all else verses. Where nothing comes again they are named in turn, verse first, as most songs have them. Words and voice are not asked.
    """
    parts = [sound_QD[first:end] for first, end in pairwise(cuts)]
    lengths = np.array([len(part) for part in parts])
    short = SHORT_SHARE * float(np.median(lengths))
    is_intro, is_outro = (len(parts) > 2 and bool(lengths[place] < short) for place in (0, -1))
    inner = range(int(is_intro), len(parts) - int(is_outro))
    means = [part.mean(axis=0) for part in parts]
    group = list(range(len(parts)))
    for one, two in combinations(inner, 2):
        shared = lengths[one] * lengths[two] / (lengths[one] + lengths[two])
        if shared * ((means[one] - means[two]) ** 2).sum() < ALIKE_COST:
            group = [group[one] if of == group[two] else of for of in group]
    again = {of for of in group if group.count(of) > 1}
    beats_of = {of: sum(n for n, its in zip(lengths, group, strict=True) if its == of) for of in again}
    chorus = max(sorted(again), key=lambda of: beats_of[of]) if again else None
    named = [
        ("verse", "chorus")[(place - inner.start) % 2]
        if chorus is None
        else ("verse", "chorus")[group[place] == chorus]
        for place in inner
    ]
    return [*["intro"] * is_intro, *named, *["outro"] * is_outro]


def _means(of_frames: np.ndarray, edges_s: np.ndarray) -> np.ndarray:
    """The mean of frames in each beat; of one shorter than a frame, that of its frame."""
    sums = np.vstack([np.zeros((1, of_frames.shape[1])), np.cumsum(of_frames, axis=0)])
    bounds = np.clip(np.rint(edges_s * FRAME_RATE_HZ).astype(int), 0, len(of_frames))
    first = np.minimum(bounds[:-1], len(of_frames) - 1)
    end = np.maximum(bounds[1:], first + 1)
    return (sums[end] - sums[first]) / (end - first)[:, None]
