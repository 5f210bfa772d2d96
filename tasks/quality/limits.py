"""The settings of the quality filter (`FilterParams`): a limit for each measure, calibrated for which models, and which of them a song breaks (in words)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import create_model

from tasks.engine.stage import Section
from tasks.quality.measures import MEASURES, Measure, Quality

_LIMITS: dict[str, Any] = {
    setting: (int | None if measure.whole else float | None, ...)
    for measure in MEASURES
    for setting in measure.limits
}
Limits: Any = create_model("Limits", __base__=Section, **_LIMITS)


class FilterParams(Limits):
    """Which songs are worth training on: a limit for each measure of tasks/quality/measures.py; null = no limit.

    `languages`: those that are kept, where the recogniser tells one. `calibrated_for`: identities of the
    aligner and the recogniser whose values the limits were chosen on; `uncalibrated`: with others, ``apply`` drops by them all
    the same, ``set_aside`` marks a song beyond one of them and drops none. `mask`: a song for training whose words were
    unheard in places is kept, and no crop takes those seconds; else it is dropped.
    """

    languages: tuple[str, ...] | None
    mask: bool
    calibrated_for: tuple[str, ...]
    uncalibrated: Literal["apply", "set_aside"]

    def decides(self) -> dict[str, Any]:
        """Without what changes nothing: limits that apply whoever measured."""
        settings = super().decides()
        return {key: value for key, value in settings.items() if (key, value) != ("uncalibrated", "apply")}


UNCALIBRATED = "uncalibrated"
"""The flag of a song that is kept beyond limits which were chosen for other models."""
CALIBRATED = tuple(measure for measure in MEASURES if measure.calibrated)
"""The measures that mean something else with another aligner or transcriber."""


def set_aside(params: FilterParams, models: Collection[str]) -> bool:
    """Whether limits that were chosen for other models than these drop no song."""
    return params.uncalibrated == "set_aside" and not is_calibrated(params, models)


def without_calibrated(params: FilterParams) -> FilterParams:
    """The limits without those that were chosen for an aligner and a transcriber."""
    return params.model_copy(update={name: None for measure in CALIBRATED for name in measure.limits})


def broken_limits(
    quality: Quality, params: Section, measures: Sequence[Measure] = MEASURES
) -> dict[str, str]:
    """The reasons to drop a song of this quality, in order, each with what was measured; `params` has a setting for each limit."""
    found: dict[str, str] = {}
    for measure in measures:
        for setting, reason in measure.limits.items():
            value, limit = quality[measure.name], getattr(params, setting)
            if measure.breaks(setting, value, limit):
                measured = f"{measure.label}: {value:.4g} {measure.unit}"
                found.setdefault(reason, f"{measured}, {limit_in_words(setting, limit)}")
    return found


def limit_in_words(setting: str, limit: float) -> str:
    """``at least 0.3``: the side is the setting's."""
    return f"{'at least' if setting.startswith('min_') else 'at most'} {limit:g}"


@dataclass(frozen=True)
class Measured:
    """A measure of a song beside the limits it is held by, in words; `limit` is empty where there is none."""

    measure: Measure
    value: float
    limit: str
    is_broken: bool


def beside_limits(quality: Quality, params: FilterParams) -> list[Measured]:
    """What could be measured of a song, each beside its limit, in the order of the measures."""
    found = []
    for measure in MEASURES:
        value = quality.get(measure.name)
        if value is None:
            continue
        settings = {setting: getattr(params, setting) for setting in measure.limits}
        limits = {setting: limit for setting, limit in settings.items() if limit is not None}
        words = " to ".join(f"{limit:g}" for limit in limits.values())
        if len(limits) == 1:
            words = "".join(limit_in_words(*item) for item in limits.items())
        words += " either way" if limits and measure.by_size else ""
        is_broken = any(measure.breaks(setting, value, limit) for setting, limit in limits.items())
        found.append(Measured(measure, value, words, is_broken))
    return found


def is_calibrated(params: FilterParams, models: Collection[str]) -> bool:
    """Whether the limits were chosen on what these models (the aligner, the recogniser) measure."""
    return set(models) <= set(params.calibrated_for)
