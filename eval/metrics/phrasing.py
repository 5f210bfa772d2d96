"""Phrasing: does a voice move as people's do? Spread of pitch and of word lengths (interquartile), hold on the beat, sound that repeats.

None of them has a better side: a voice that moves less than singers do is flat, one that moves more is lost. All are to be
read beside the true songs' own. Legend: F frames, K bands, P places of a piece, S its frames, M all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.metrics.metric import SongMetric
from eval.metrics.song import Song

MIN_WORDS, MIN_BEATS, MIN_VOICED_FRAMES = 8, 4, 20
STILL_DB = 1.0
"""Pieces that move less than this about their mean spectrum say nothing of repetition."""


def pitch_spread(pitch_hz_F: np.ndarray, voiced_F: np.ndarray) -> float | None:
    """Interquartile range of the pitch over voiced frames, in semitones; None below 20 of them.

    Quartiles, since octave errors of a tracker move a standard deviation by much and them by little.
    """
    voiced = pitch_hz_F[voiced_F]
    if len(voiced) < MIN_VOICED_FRAMES:
        return None
    low, high = np.quantile(12 * np.log2(voiced), [0.25, 0.75])
    return float(high - low)


def length_spread(lengths_s: Sequence[float]) -> float | None:
    """Interquartile range of word lengths in octaves (1: half as long to twice as long a half of them); None below 8 words."""
    lengths = np.asarray([length for length in lengths_s if length > 0], float)
    if len(lengths) < MIN_WORDS:
        return None
    low, high = np.quantile(np.log2(lengths), [0.25, 0.75])
    return float(high - low)


def beat_hold(starts_s: Sequence[float], beats_s: Sequence[float]) -> float | None:
    """How far word starts agree on a place within half a beat: pairwise phase consistency (Vinck et al. 2010, eq. 1).

    The mean cosine between the phases of any two starts: 1 all at one place, 0 on average for starts anywhere, whatever
    their number. Starts before the first and after the last beat are left out; None below 8 starts or 4 beats.
    """
    beats, starts = np.asarray(beats_s, float), np.asarray(starts_s, float)
    if len(beats) < MIN_BEATS:
        return None
    starts = starts[(starts >= beats[0]) & (starts <= beats[-1])]
    if len(starts) < MIN_WORDS:
        return None
    at = np.interp(starts, beats, np.arange(len(beats)))
    resultant = np.abs(np.exp(2j * np.pi * 2 * at).sum())
    return float((resultant**2 - len(at)) / (len(at) * (len(at) - 1)))


def repeated_share(level_db_FK: np.ndarray, size: int, apart: int, alike: float) -> float | None:
    """Share of the pieces of `size` frames that sound elsewhere too, `apart` frames or more from their own start.

    Compared is how the spectrum moves within a piece: levels less their mean over it, by correlation, at every frame.
    A held sound does not move and counts for nothing. None where no piece moves, or the sound is too short.
    """
    count = len(level_db_FK) - size + 1
    if count <= apart:
        return None
    pieces_PKS = np.lib.stride_tricks.sliding_window_view(level_db_FK, size, axis=0)
    moves_PM = (pieces_PKS - pieces_PKS.mean(axis=2, keepdims=True)).reshape(count, -1)
    norm_P = np.linalg.norm(moves_PM, axis=1)
    least = STILL_DB * np.sqrt(moves_PM.shape[1])
    found = []
    for start in range(0, count - apart, size):
        if norm_P[start] >= least:
            later = slice(start + apart, count)
            likeness_P = (
                moves_PM[later] @ moves_PM[start] / (norm_P[start] * np.maximum(norm_P[later], least))
            )
            found.append(likeness_P.max() > alike)
    return float(np.mean(found)) if found else None


def _lengths(song: Song) -> float | None:
    words = song.row.get("aligned_transcript") if _is_asked(song) else None
    return None if words is None else length_spread([word["end_s"] - word["start_s"] for word in words])


def _hold(song: Song) -> float | None:
    words, beats_s = song.row.get("aligned_transcript"), song.row.get("beats_s")
    if not _is_asked(song) or words is None or beats_s is None:
        return None
    return beat_hold([word["start_s"] for word in words], beats_s)


def _is_asked(song: Song) -> bool:
    return any(song.row.get(name) is not None for name in ("pitch_spread", "repeated_share"))


PITCH_SPREAD = SongMetric(
    name="pitch_spread",
    title="Pitch spread",
    source="ours",
    range="[0, inf)",
    direction="neither",
    unit="semitones",
    protocol="Interquartile range of the voice's pitch over voiced frames of the separated vocals; mean over songs. A "
    "robotic voice has less than the true songs.",
    measure=lambda song: song.row.get("pitch_spread"),
    columns=("pitch_spread",),
    optional=True,
)
LENGTH_SPREAD = SongMetric(
    name="length_spread",
    title="Word length spread",
    source="ours",
    range="[0, inf)",
    direction="neither",
    unit="octaves",
    protocol="Interquartile range of the lengths of recognised words, as octaves (1: the middle half of them within a factor "
    "of two); mean over songs of at least 8 words. Even phrasing has less than the true songs.",
    measure=_lengths,
    columns=("aligned_transcript",),
    optional=True,
)
BEAT_HOLD = SongMetric(
    name="beat_hold",
    title="Hold on the beat",
    source="Vinck et al. 2010 (pairwise phase consistency), over half beats: ours",
    range="[-1, 1]",
    direction="neither",
    unit="",
    protocol="Mean cosine between the places, within half a beat of the mix, at which any two recognised words start: 0 on average "
    "where the voice ignores the beat; mean over songs of at least 8 words and 4 beats.",
    measure=_hold,
    columns=("aligned_transcript", "beats_s"),
    optional=True,
)
REPEATED_SHARE = SongMetric(
    name="repeated_share",
    title="Repeated voice",
    source="ours",
    range="[0, 1]",
    direction="neither",
    unit="",
    protocol="Share of the pieces of the separated vocals whose movement is heard elsewhere too, with a correlation of levels above "
    "`phrasing.alike` (pieces and distance as set there); mean over songs.",
    percent=True,
    decimals=1,
    measure=lambda song: song.row.get("repeated_share"),
    columns=("repeated_share",),
    optional=True,
)
