"""What is wrong with the sound of a whole song: noise floor, bandwidth that a coding left, flat (cut) peaks, silence in the middle.

Shapes: N samples, T frames, F bins.
"""

from __future__ import annotations

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.levels import frame_power
from tasks.quality.detectors.sound_loops import runs_of

SIZE = 2048
HIGH_HZ = 4000.0
"""Above it the pauses between strikes and words are quiet in any music, and a hiss is not."""
QUIETEST = 5
"""The percentile of the frames that is the floor."""
BAND_DB = -80.0
CUT = 0.995
"""Of the peak: what lies above it, twice in a row, is flat."""


def spectrum(mix_N: np.ndarray) -> np.ndarray:
    """Power of frames that do not overlap, [T, F]; none of a song that is shorter than one."""
    num_frames = len(mix_N) // SIZE
    frames_TN = mix_N[: num_frames * SIZE].reshape(num_frames, SIZE) * np.hanning(SIZE).astype(np.float32)
    return np.abs(np.fft.rfft(frames_TN, axis=1)) ** 2


def noise_floor_db(power_TF: np.ndarray) -> float | None:
    """The level above `HIGH_HZ` that hardly a frame is below, over the mean level of the song; None of silence. White noise as
    loud as the song stands at about -4 dB.
    """
    total = float(power_TF.sum(axis=1).mean()) if len(power_TF) else 0.0
    if total <= 0:
        return None
    first = round(HIGH_HZ * SIZE / SAMPLE_RATE_HZ)
    floor = float(np.percentile(power_TF[:, first:].sum(axis=1), QUIETEST))
    return 10 * float(np.log10(max(floor / total, 1e-12)))


def bandwidth_hz(power_TF: np.ndarray) -> float | None:
    """The highest frequency whose mean power is at most 80 dB below that of the strongest bin; None of silence."""
    mean_F = power_TF.mean(axis=0) if len(power_TF) else np.zeros(1)
    if not mean_F.max() > 0:
        return None
    heard_F = np.flatnonzero(mean_F >= 10 ** (BAND_DB / 10) * mean_F.max())
    return float(heard_F[-1]) * SAMPLE_RATE_HZ / SIZE


def flat_share(mix_CN: np.ndarray) -> float:
    """The share of samples within half a per cent of their channel's peak, of one sign, that follow another such: a song cut at
    any level, then turned down. The longest run of each channel is left out: every song has one peak, and a low note's is wide.
    (`clipped_share` looks at full scale alone.)
    """
    peak_C = np.abs(mix_CN).max(axis=1)
    flat = [
        _flat_samples(channel_N, peak) for channel_N, peak in zip(mix_CN, peak_C, strict=True) if peak > 0
    ]
    return sum(flat) / (mix_CN.shape[0] * max(mix_CN.shape[1] - 1, 1))


def _flat_samples(channel_N: np.ndarray, peak: float) -> int:
    """Those of all runs but the longest; the first of a run follows none."""
    runs = [*runs_of(channel_N >= CUT * peak), *runs_of(channel_N <= -CUT * peak)]
    lengths = [end - first - 1 for first, end in runs]
    return sum(lengths) - max(lengths, default=0)


def longest_silence_s(mix_N: np.ndarray, silence_db: float) -> float:
    """The longest silence between sounds; what lies before the first and behind the last is none."""
    sounding_T = frame_power(mix_N) >= 10 ** (silence_db / 10)
    places = np.flatnonzero(sounding_T)
    if not len(places):
        return 0.0
    silent = runs_of(~sounding_T[places[0] : places[-1]])
    return max((end - first for first, end in silent), default=0) / 100
