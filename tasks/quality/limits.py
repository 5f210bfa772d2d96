"""A limit for each measure of a song, and which of them a song breaks."""

from __future__ import annotations

from collections.abc import Collection

from tasks.engine.stage import Section
from tasks.quality.measures import MEASURES, Quality


class FilterParams(Section):
    """Which songs are worth training on: a limit for each measure of tasks/quality/measures.py; null = no limit.

    `languages`: those that are kept, where the recogniser tells one. `calibrated_for`: identities of the
    aligner and the recogniser whose values the limits were chosen on.
    """

    calibrated_for: tuple[str, ...]
    min_duration_s: float | None
    max_duration_s: float | None
    max_silence_share: float | None
    max_clipped_share: float | None
    min_loudness_lufs: float | None
    max_loudness_lufs: float | None
    min_vocals_db: float | None
    min_lines: int | None
    min_words: int | None
    max_words_per_s: float | None
    max_word_s: float | None
    max_overlap_share: float | None
    languages: tuple[str, ...] | None
    min_alignment: float | None
    min_coverage: float | None
    min_agreement: float | None
    max_unwritten_share: float | None
    max_outside_share: float | None
    max_times_offset_s: float | None
    max_times_drift: float | None
    max_times_spread_s: float | None
    max_hurried_share: float | None


def broken_limits(quality: Quality, params: FilterParams) -> dict[str, str]:
    """The reasons to drop a song of this quality, in order, each with what was measured."""
    found: dict[str, str] = {}
    for measure in MEASURES:
        for setting, reason in measure.limits.items():
            value, limit = quality[measure.name], getattr(params, setting)
            if measure.breaks(setting, value, limit):
                side = "at least" if setting.startswith("min_") else "at most"
                found.setdefault(reason, f"{measure.label}: {value:.4g} {measure.unit}, {side} {limit:g}")
    return found


def is_calibrated(params: FilterParams, models: Collection[str]) -> bool:
    """Whether the limits were chosen on what these models (the aligner, the recogniser) measure."""
    return set(models) <= set(params.calibrated_for)
