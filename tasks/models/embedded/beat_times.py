"""When the beats of a mix fall, and its tempo, without weights: the lag at which onsets repeat best, on the level that low notes mark, and the steadiest path through onsets.

An onset is a rise of level in a band of the spectrum. Bass and drums strike beats oftener than voices do, so that the low bands are heard
by themselves and weigh as much as all others. Source: D. Ellis, Beat Tracking by Dynamic Programming (Journal of New Music Research 36, 2007).

Shapes: N samples, F frames of 512 samples, B bands, L lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded.spectra import band_energies, decibels, mel_bank, power, stft

SIZE, HOP = 2048, 512
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP
NUM_BANDS, LOW_HZ, HIGH_HZ = 40, 30.0, 12_000.0
NUM_LOW = 4  # bands, up to about 250 Hz
FLOOR = 1e-4
SLOWEST_BPM, FASTEST_BPM = 50.0, 190.0
USUAL_BPM, SPREAD_OCTAVES = 105.0, 0.9
MULTIPLES = (1.0, 2.0, 3.0, 4.0)
LEVELS = (1 / 3, 1 / 2, 2 / 3, 1.0, 3 / 2, 2.0, 3.0)
LOW_AGAIN = 0.45
TIGHTNESS = 400.0
SMOOTH_S = 1.0


@dataclass(frozen=True)
class TrackedBeats:
    """Beats in seconds, `step_s` apart: the lag that repeats best; `tempo_bpm`: of the multiple or part of it that low notes mark;
    `clarity`: how much of the onsets' power repeats at that lag, in [0, 1].
    """

    times_s: np.ndarray
    step_s: float | None
    tempo_bpm: float | None
    clarity: float


def onsets(mix_CN: np.ndarray) -> np.ndarray:
    """Rises of level of a mix [2, N], low bands and all others as two rows of mean 0 and deviation 1, float64 [2, F]."""
    power_FK = np.sum([power(stft(side_N, SIZE, HOP)) for side_N in mix_CN], axis=0)
    level_FB = decibels(band_energies(power_FK, mel_bank(NUM_BANDS, LOW_HZ, HIGH_HZ, SIZE)), FLOOR)
    rise_FB = np.maximum(np.diff(level_FB, axis=0, prepend=level_FB[:1]), 0).astype(np.float64)
    rows = np.stack([rise_FB[:, :NUM_LOW].mean(axis=1), rise_FB[:, NUM_LOW:].mean(axis=1)])
    width = 2 * round(SMOOTH_S * FRAME_RATE_HZ / 2) + 1
    kernel = np.ones(width) / width
    rows = np.stack(
        [row - np.convolve(np.pad(row, width // 2, mode="edge"), kernel, "valid") for row in rows]
    )
    deviation = rows.std(axis=1, keepdims=True)
    return np.divide(rows, deviation, out=np.zeros_like(rows), where=deviation > 0)


def track_beats(mix_CN: np.ndarray) -> TrackedBeats:
    """The beats of a mix [2, N] at 44.1 kHz; none of one in which nothing repeats."""
    if mix_CN.shape[1] < 2 * SAMPLE_RATE_HZ:
        return TrackedBeats(np.zeros(0), None, None, 0.0)
    onset_2F = np.maximum(onsets(mix_CN), 0)
    onset_F = onset_2F.sum(axis=0)
    lag, clarity = best_lag(onset_F)
    if lag is None:
        return TrackedBeats(np.zeros(0), None, None, 0.0)
    frames = path_of_beats(onset_F, lag)
    tempo_bpm = 60 * FRAME_RATE_HZ / level_of_low_notes(onset_2F[0], lag)
    return TrackedBeats((frames + 0.5) / FRAME_RATE_HZ, lag / FRAME_RATE_HZ, tempo_bpm, clarity)


def repetition(onset_F: np.ndarray) -> np.ndarray:
    """The autocorrelation of onsets by lag in frames, 1 at lag 0, each lag over as many frames as it has, [F]."""
    import scipy.fft

    centred_F = onset_F - onset_F.mean()
    size = 2 * len(centred_F)
    power_L = np.abs(scipy.fft.rfft(centred_F, size)) ** 2
    sum_L = scipy.fft.irfft(power_L, size)[: len(centred_F)]
    per_lag_L = sum_L / np.arange(len(centred_F), 0, -1)
    return per_lag_L / per_lag_L[0] if per_lag_L[0] > 0 else np.zeros_like(per_lag_L)


def best_lag(onset_F: np.ndarray) -> tuple[float | None, float]:
    """The lag of a beat in frames, which with its multiples repeats best among usual tempi, and the repetition there."""
    again_L = repetition(onset_F)
    slowest = 60 * FRAME_RATE_HZ / SLOWEST_BPM
    if len(onset_F) < 2 * max(MULTIPLES) * slowest:
        multiples: tuple[float, ...] = MULTIPLES[:2]
    else:
        multiples = MULTIPLES
    lags = np.arange(60 * FRAME_RATE_HZ / FASTEST_BPM, slowest, 0.1)
    heard = sum(np.interp(lags * factor, np.arange(len(again_L)), again_L) for factor in multiples)
    heard = heard / len(multiples)
    octaves = np.log2(60 * FRAME_RATE_HZ / lags / USUAL_BPM)
    weighted = heard * np.exp(-0.5 * (octaves / SPREAD_OCTAVES) ** 2)
    best = int(np.argmax(weighted))
    if weighted[best] <= 0:
        return None, 0.0
    return float(lags[best]), float(np.clip(heard[best], 0, 1))


def level_of_low_notes(low_F: np.ndarray, lag: float) -> float:
    """The lag, or a simple multiple or part of it that is a tempo: the shortest at which the low bands repeat nearly as well (`LOW_AGAIN`) as
    at the best of them. Bass and kick mark beats, while hats, chords and words go on between them or skip some.
    """
    lags = np.array([lag * level for level in LEVELS])
    lags = lags[(lags >= 60 * FRAME_RATE_HZ / FASTEST_BPM) & (lags <= 60 * FRAME_RATE_HZ / SLOWEST_BPM)]
    again_L = repetition(low_F)
    heard = np.interp(lags, np.arange(len(again_L)), again_L)
    if not len(lags) or heard.max() <= 0:
        return lag
    return float(lags[np.argmax(heard >= LOW_AGAIN * heard.max())])


def path_of_beats(onset_F: np.ndarray, lag: float) -> np.ndarray:
    """Frames of beats: the path that meets most onsets in steps near `lag`, [beats]."""
    import scipy.ndimage

    near_F = scipy.ndimage.gaussian_filter1d(onset_F, max(1.0, lag / 32))
    near_F = near_F / max(near_F.std(), 1e-9)
    steps = np.arange(-round(2 * lag), -round(lag / 2) + 1)
    cost = -TIGHTNESS * np.log(-steps / lag) ** 2
    total_F, before_F = near_F.copy(), np.full(len(near_F), -1)
    for frame in range(round(lag / 2), len(near_F)):
        places = frame + steps
        first = int(np.searchsorted(places, 0))
        if first == len(steps):
            continue
        scores = total_F[places[first:]] + cost[first:]
        best = int(np.argmax(scores))
        if scores[best] > 0:
            total_F[frame] += scores[best]
            before_F[frame] = places[first + best]
    ending = np.arange(max(0, len(near_F) - round(lag)), len(near_F))
    frame = int(ending[np.argmax(total_F[ending])])
    path = []
    while frame >= 0:
        path.append(frame)
        frame = int(before_F[frame])
    return np.array(path[::-1], np.float64)
