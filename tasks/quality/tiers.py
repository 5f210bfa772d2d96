"""Tiers of songs (`TierParams`): A within the limits of both lists, B within those of b, C the rest; axes of judges and measures that are graded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from tasks.engine.stage import Section
from tasks.models.judge import AXES, Audiobox
from tasks.quality.detected import DETECTED
from tasks.quality.measures import MEASURES, Measure

A, B, C = "A", "B", "C"
NAMES = (A, B, C)
JUDGES: dict[str, tuple[str, ...]] = {"embedded": AXES, "songeval": AXES, "audiobox": Audiobox.axes}
TierName = Literal["A", "B", "C"]


def axis_name(judge: str, axis: str) -> str:
    """``embedded.musicality``."""
    return f"{judge}.{axis}"


def _axis(judge: str, axis: str) -> Measure:
    """What a judge says of a song, which stands in the column `aesthetics`; of the sound alone nothing is measured here."""
    name = axis_name(judge, axis)
    limits = {f"min_{name}": f"low_{axis}"}
    return Measure(name, f"{axis} by {judge}", "its score", lambda song: None, limits, calibrated=True)


AXIS_MEASURES = tuple(_axis(judge, axis) for judge, axes in JUDGES.items() for axis in axes)
GRADED: tuple[Measure, ...] = (*MEASURES, *DETECTED, *AXIS_MEASURES)
"""All that a tier may have a limit on."""
SETTINGS: dict[str, Measure] = {setting: measure for measure in GRADED for setting in measure.limits}


class TierParams(Section):
    """`a`, `b`: limits by setting, as `filter` and `detect` have them, and ``min_<judge>.<axis>``. `a_weight` and so on: how often a song of
    the tier is trained on, of 1; 0: never. `below_a_share`: see params/base/quality.yaml.
    """

    a: Mapping[str, float]
    b: Mapping[str, float]
    a_weight: float = Field(ge=0, le=1)
    b_weight: float = Field(ge=0, le=1)
    c_weight: float = Field(ge=0, le=1)
    below_a_share: float = Field(ge=0, lt=1)

    @field_validator("a", "b")
    @classmethod
    def _are_limits(cls, limits: Mapping[str, float]) -> Mapping[str, float]:
        if unknown := sorted(limits.keys() - SETTINGS.keys()):
            raise ValueError(
                f"{unknown[0]!r} limits no measure; give settings of filter, of detect, or min_<judge>.<axis>"
            )
        return limits

    @property
    def weights(self) -> dict[str, float]:
        """By tier."""
        return {A: self.a_weight, B: self.b_weight, C: self.c_weight}

    @property
    def chosen(self) -> bool:
        """Whether there are tiers."""
        return bool(self.a or self.b)

    def decides(self) -> dict[str, Any]:
        """Nothing where there are none."""
        return super().decides() if self.chosen else {}

    def measured_by(self, measures: Iterable[Measure]) -> bool:
        """Whether a limit is on one of these."""
        settings = {setting for measure in measures for setting in measure.limits}
        return bool(settings & {*self.a, *self.b})

    def judges(self) -> set[str]:
        """Whose scores have limits."""
        return {name.removeprefix("min_").partition(".")[0] for name in {*self.a, *self.b} if "." in name}

    def tier_of(self, values: Mapping[str, float | None]) -> TierName:
        """The tier of a song with these measures."""
        if _broken(self.b, values):
            return "C"
        return "B" if _broken(self.a, values) else "A"


def _broken(limits: Mapping[str, float], values: Mapping[str, float | None]) -> bool:
    return any(
        SETTINGS[setting].breaks(setting, values.get(SETTINGS[setting].name), limit)
        for setting, limit in limits.items()
    )


def graded_values(row: Mapping[str, Any]) -> dict[str, float | None]:
    """All measures of a song, by name, from its columns `quality`, `detected` and `aesthetics`, as far as they are there."""
    judged: Sequence[Mapping[str, Any]] = row.get("aesthetics") or ()
    axes = {axis_name(one["judge"], one["axis"]): one["score"] for one in judged}
    return {**(row.get("quality") or {}), **(row.get("detected") or {}), **axes}
