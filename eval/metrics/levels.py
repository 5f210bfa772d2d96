"""The sound itself: how loud, how much of it clipped, how much of it silent. The numbers come from the mix alone."""

from __future__ import annotations

from eval.metrics.metric import SongMetric

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
