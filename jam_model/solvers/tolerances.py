"""Tolerances of a solver that chooses its own steps, and what it says where they cannot be met."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerances:
    """What a step may be wrong by: `atol` + `rtol` times the number, each number of the state; and how many evaluations one song may take.

    Raises:
        ValueError: a tolerance is not above 0, or there are fewer evaluations than one step takes.
    """

    atol: float
    rtol: float
    max_evaluations: int

    def __post_init__(self) -> None:
        for name in ("atol", "rtol"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"dopri5: {name} is {value:g}; give a number above 0, such as 1e-5")
        if self.max_evaluations < 8:
            raise ValueError(
                f"dopri5: max_evaluations is {self.max_evaluations}; give 8, which one step takes, or more"
            )


class TooManyEvaluationsError(ValueError):
    """The tolerances ask for more evaluations than a song may take."""
