"""Energy after the reference end: does the music stop when it was told to?"""

from __future__ import annotations

import numpy as np

from eval.metrics.metric import SongMetric


def energy_after_end(mix_CN: np.ndarray, rate_hz: int, end_s: float) -> float | None:
    """RMS after `end_s` relative to the RMS before it, all channels together.

    A fraction in [0, inf). None where nothing sounds before the end, so that there is nothing to relate to.

    Raises:
        ValueError: the reference end is not after the start.
    """
    if not end_s > 0:
        raise ValueError(f"end_s is {end_s}: the reference end must lie after the start, in seconds")
    end = round(end_s * rate_hz)
    song, tail = mix_CN[:, :end], mix_CN[:, end:]
    song_rms = _rms(song)
    if song_rms == 0:
        return None
    return _rms(tail) / song_rms


def _rms(audio_CN: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio_CN, dtype=np.float64)))) if audio_CN.size else 0.0


ENERGY_AFTER_END = SongMetric(
    name="energy_after_end",
    title="Energy after end",
    source="ours",
    range="[0, inf)",
    direction="lower",
    unit="",
    protocol="RMS of the samples after the reference end divided by the RMS of the samples before it; "
    "0 when the file ends there.",
    percent=True,
    decimals=1,
    measure=lambda song: song.row["tail_energy"],
    columns=("tail_energy",),
)
