"""The measures of a song's quality, one entry each: what it is, how it comes about, and what limits it.

The column `quality` that `check` writes, the settings of the section `filter` and the list in docs/columns.md are
made from the entries. A limit is a setting and the reason a song beyond it is dropped for: ``min_...`` is the least,
``max_...`` the most. The order here is the order of the reasons. A null is not measurable, and no limit holds it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tasks.audio.levels import clipped_share, silence_share
from tasks.audio.loudness import loudness_lufs
from tasks.quality.checked_song import CheckedSong, lengths_s

Quality = Mapping[str, float | None]


@dataclass(frozen=True)
class Measure:
    """One number about a song.

    Attributes:
        of: the number of a song; None where it cannot be measured.
        limits: setting of the section `filter` to the reason it drops for.
        whole: it counts, and so do its limits.
        calibrated: the value depends on the aligner or the recogniser, and so does a limit on it.
        by_size: limits hold the size of a value that has a sign.
    """

    name: str
    label: str
    unit: str
    of: Callable[[CheckedSong], float | None]
    limits: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    calibrated: bool = False
    by_size: bool = False

    def breaks(self, setting: str, value: float | None, limit: float | None) -> bool:
        """Whether `value` is beyond `limit`; what is not measured, or not limited, never is."""
        if value is None or limit is None:
            return False
        value = abs(value) if self.by_size else value
        return value < limit if setting.startswith("min_") else value > limit


def _plausible_share(song: CheckedSong) -> float | None:
    if song["alignment_score"] is None:  # nobody laid them
        return None
    return float(np.mean([(word.score or 0.0) >= song.params.plausible_score for word in song.laid]))


def _overlap_share(song: CheckedSong) -> float:
    pairs = itertools.pairwise(song.words)
    return sum(after.start_s < before.end_s for before, after in pairs) / len(song.words)


def _written_share_heard(song: CheckedSong) -> float | None:
    return song.errors.hits / song.errors.num_reference if song.errors and song.errors.num_reference else None


def _unheard_run(song: CheckedSong) -> float | None:
    return None if song.unheard is None else max((run.weight for run in song.unheard), default=0.0)


def _heard_share_unwritten(song: CheckedSong) -> float | None:
    errors = song.errors
    num_heard = errors.hits + errors.substitutions + errors.insertions if errors else 0
    return errors.insertions / num_heard if errors and num_heard else None


MEASURES: tuple[Measure, ...] = (
    Measure(
        "duration_s",
        "length",
        "s",
        lambda song: song["duration_s"],
        {"min_duration_s": "duration_short", "max_duration_s": "duration_long"},
    ),
    Measure(
        "silence_share",
        "the mix is silent",
        "share of its time",
        lambda song: silence_share(song.mix_CN, song.params.silence_db),
        {"max_silence_share": "silent"},
    ),
    Measure(
        "clipped_share",
        "flat at full scale",
        "share of the samples",
        lambda song: clipped_share(song.mix_CN),
        {"max_clipped_share": "clipped"},
    ),
    Measure(
        "loudness_lufs",
        "loudness",
        "LUFS",
        lambda song: loudness_lufs(song.mix_CN),
        {"min_loudness_lufs": "too_quiet", "max_loudness_lufs": "too_loud"},
    ),
    Measure(
        "vocals_db",
        "vocals over the mix",
        "dB",
        lambda song: song.vocals_db,
        {"min_vocals_db": "no_vocals"},
    ),
    Measure(
        "num_lines",
        "lines of lyrics",
        "lines",
        lambda song: song["num_lines"],
        {"min_lines": "lines_few"},
        whole=True,
    ),
    Measure(
        "num_words", "words", "words", lambda song: len(song.words), {"min_words": "words_few"}, whole=True
    ),
    Measure(
        "words_per_s",
        "words a second",
        "1/s",
        lambda song: len(song.words) / song.sung_s,
        {"max_words_per_s": "words_fast"},
    ),
    Measure(
        "longest_word_s",
        "longest word",
        "s",
        lambda song: lengths_s(song.words).max(),
        {"max_word_s": "word_long"},
    ),
    Measure(
        "overlap_share",
        "words that overlap",
        "share of words",
        _overlap_share,
        {"max_overlap_share": "words_overlap"},
    ),
    Measure(
        "unheard_run",
        "written in a row and not heard",
        "words",
        _unheard_run,
        {"max_unheard_run": "words_unheard"},
        calibrated=True,
    ),
    Measure(
        "alignment",
        "mean score of the words",
        "0 to 1",
        lambda song: song["alignment_score"],
        {"min_alignment": "low_alignment"},
        calibrated=True,
    ),
    Measure(
        "coverage",
        "words laid with a plausible score",
        "share of words",
        _plausible_share,
        {"min_coverage": "low_coverage"},
        calibrated=True,
    ),
    Measure(
        "agreement",
        "written and heard",
        "share of what is written",
        _written_share_heard,
        {"min_agreement": "low_agreement"},
        calibrated=True,
    ),
    Measure(
        "unwritten_share",
        "heard and not written",
        "share of what is heard",
        _heard_share_unwritten,
        {"max_unwritten_share": "unwritten_singing"},
        calibrated=True,
    ),
    Measure(
        "outside_share",
        "vocals outside the words",
        "share of their energy",
        lambda song: song.outside_share,
        {"max_outside_share": "unwritten_singing"},
        calibrated=True,
    ),
    Measure(
        "times_offset_s",
        "given times against heard ones",
        "s",
        lambda song: song.times_offset_s,
        {"max_times_offset_s": "times_disagree"},
        calibrated=True,
        by_size=True,
    ),
    Measure(
        "times_drift",
        "drift of the given times",
        "s a second",
        lambda song: song.times_drift,
        {"max_times_drift": "times_disagree"},
        calibrated=True,
        by_size=True,
    ),
    Measure(
        "times_spread_s",
        "spread of the given times",
        "s",
        lambda song: song.times_spread_s,
        {"max_times_spread_s": "times_disagree"},
        calibrated=True,
    ),
    Measure(
        "hurried_share",
        "words too short for their phones",
        "share of words",
        lambda song: song.hurried_W.mean(),
        {"max_hurried_share": "words_hurried"},
        calibrated=True,
    ),
)
QUALITY = pa.struct([(measure.name, pa.float64()) for measure in MEASURES])


def quality_of(song: CheckedSong) -> dict[str, float | None]:
    """Every measure of a song by its name."""
    found = {measure.name: measure.of(song) for measure in MEASURES}
    return {name: None if value is None else float(value) for name, value in found.items()}
