"""The settings of the quality filter (`FilterParams`): a limit for each measure, and which of them a song breaks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import create_model

from tasks.engine.stage import Section
from tasks.quality.measures import MEASURES, Quality

_LIMITS: dict[str, Any] = {
    setting: (int | None if measure.whole else float | None, ...)
    for measure in MEASURES
    for setting in measure.limits
}
Limits: Any = create_model("Limits", __base__=Section, **_LIMITS)


class FilterParams(Limits):
    """Which songs are worth training on: a limit for each measure of tasks/quality/measures.py; null = no limit.

    `languages`: those that are kept, where the recogniser tells one. `calibrated_for`: identities of the
    aligner and the recogniser whose values the limits were chosen on. `mask`: a song for training whose words were
    unheard in places is kept, and no crop takes those seconds; else it is dropped.
    """

    languages: tuple[str, ...] | None
    mask: bool
    calibrated_for: tuple[str, ...]


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
