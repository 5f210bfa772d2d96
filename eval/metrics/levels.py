"""The sound itself: how loud, how much of it clipped or silent, and its energy (RMS) after the reference end, where the music should have stopped."""

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
LOUDNESS = SongMetric(
    name="loudness_lufs",
    title="Loudness",
    source="ITU-R BS.1770-4, by pyloudnorm",
    range="(-inf, 0]",
    direction="neither",
    unit="LUFS",
    protocol="Integrated loudness of the mix as delivered; mean over songs.",
    decimals=1,
    measure=lambda song: song.row.get("loudness_lufs"),
    columns=("loudness_lufs",),
)
CLIPPING = SongMetric(
    name="clipped_share",
    title="Clipping",
    source="ours",
    range="[0, 1]",
    direction="lower",
    unit="",
    protocol="Share of the samples that lie at full scale (0.999 and above) like the one before; mean over songs.",
    percent=True,
    decimals=2,
    measure=lambda song: song.row.get("clipped_share"),
    columns=("clipped_share",),
)
SILENCE = SongMetric(
    name="silence_share",
    title="Silence",
    source="ours",
    range="[0, 1]",
    direction="neither",
    unit="",
    protocol="Share of the 10 ms pieces of the mix below the level that `check.silence_db` sets; mean over songs. "
    "To be read beside the true songs' own.",
    percent=True,
    decimals=1,
    measure=lambda song: song.row.get("silence_share"),
    columns=("silence_share",),
)
