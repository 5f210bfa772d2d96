"""The measures of a song's quality: what `check` writes into the column `quality`, and what limits each.

A limit is a setting of the section `filter` and the reason a song beyond it is dropped for: ``min_...`` is
the least, ``max_...`` the most. The order here is the order of the reasons. A null is not measurable, and
no limit holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Quality = Mapping[str, float | None]


@dataclass(frozen=True)
class Measure:
    """One number about a song.

    Attributes:
        limits: setting of the section `filter` to the reason it drops for.
        calibrated: the value depends on the aligner or the recogniser, and so does a limit on it.
        by_size: limits hold the size of a value that has a sign.
    """

    name: str
    label: str
    unit: str
    limits: Mapping[str, str] = field(default_factory=dict)
    calibrated: bool = False
    by_size: bool = False

    def breaks(self, setting: str, value: float | None, limit: float | None) -> bool:
        """Whether `value` is beyond `limit`; what is not measured, or not limited, never is."""
        if value is None or limit is None:
            return False
        value = abs(value) if self.by_size else value
        return value < limit if setting.startswith("min_") else value > limit


MEASURES: tuple[Measure, ...] = (
    Measure(
        "duration_s",
        "length",
        "s",
        {"min_duration_s": "duration_short", "max_duration_s": "duration_long"},
    ),
    Measure("silence_share", "the mix is silent", "share of its time", {"max_silence_share": "silent"}),
    Measure("clipped_share", "flat at full scale", "share of the samples", {"max_clipped_share": "clipped"}),
    Measure(
        "loudness_lufs",
        "loudness",
        "LUFS",
        {"min_loudness_lufs": "too_quiet", "max_loudness_lufs": "too_loud"},
    ),
    Measure("vocals_db", "vocals over the mix", "dB", {"min_vocals_db": "no_vocals"}),
    Measure("num_lines", "lines of lyrics", "lines", {"min_lines": "lines_few"}),
    Measure("num_words", "words", "words", {"min_words": "words_few"}),
    Measure("words_per_s", "words a second", "1/s", {"max_words_per_s": "words_fast"}),
    Measure("longest_word_s", "longest word", "s", {"max_word_s": "word_long"}),
    Measure("overlap_share", "words that overlap", "share of words", {"max_overlap_share": "words_overlap"}),
    Measure(
        "alignment", "mean score of the words", "0 to 1", {"min_alignment": "low_alignment"}, calibrated=True
    ),
    Measure(
        "coverage",
        "words laid with a plausible score",
        "share of words",
        {"min_coverage": "low_coverage"},
        calibrated=True,
    ),
    Measure(
        "agreement",
        "written and heard",
        "share of what is written",
        {"min_agreement": "low_agreement"},
        calibrated=True,
    ),
    Measure(
        "unwritten_share",
        "heard and not written",
        "share of what is heard",
        {"max_unwritten_share": "unwritten_singing"},
        calibrated=True,
    ),
    Measure(
        "outside_share",
        "vocals outside the words",
        "share of their energy",
        {"max_outside_share": "unwritten_singing"},
        calibrated=True,
    ),
    Measure(
        "times_offset_s",
        "given times against heard ones",
        "s",
        {"max_times_offset_s": "times_disagree"},
        calibrated=True,
        by_size=True,
    ),
    Measure(
        "times_drift",
        "drift of the given times",
        "s a second",
        {"max_times_drift": "times_disagree"},
        calibrated=True,
        by_size=True,
    ),
    Measure(
        "times_spread_s",
        "spread of the given times",
        "s",
        {"max_times_spread_s": "times_disagree"},
        calibrated=True,
    ),
    Measure(
        "hurried_share",
        "words too short for their phones",
        "share of words",
        {"max_hurried_share": "words_hurried"},
        calibrated=True,
    ),
)
