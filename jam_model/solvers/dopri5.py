"""`dopri5`: Runge-Kutta slopes of orders 5 and 4 and their error; a trial step as long as the tolerances allow, or rejected.

Six evaluations a step that is kept (the last one is the first of the next step), six of one that is rejected, and two more where a
stretch begins. The error is the root mean square over all numbers of the state, each by its own tolerance; so a batch
is one system, and a song is integrated alone. A stretch ends exactly where the velocity jumps: no step reaches over.

Sources: J. Dormand, P. Prince, A family of embedded Runge-Kutta formulae (Journal of Computational and Applied Mathematics 6, 1980); first
step and step control as E. Hairer, S. Norsett and G. Wanner, Solving Ordinary Differential Equations I, II.4.

Shapes: any; the state is one tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from jam_model.solvers.tolerances import Tolerances, TooManyEvaluationsError

Field = Callable[[Tensor, float], Tensor]
"""(state, time) -> velocity, of the state's shape."""
_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
"""Weights of the slopes so far in the state of each further evaluation; the last row is the step itself."""
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
"""Weights of all slopes in the difference of the two formulas."""
_EXPONENT = 1 / 5
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0


class Solved(NamedTuple):
    """The state at the end; how often the field was evaluated, of that for steps that were rejected."""

    state: Tensor
    evaluations: int
    rejected_evaluations: int


def dopri5(fields: Sequence[Field], bounds: Sequence[float], state: Tensor, given: Tolerances) -> Solved:
    """The state at the last of `bounds`; between two of them that follow one another the velocity is that of one field.

    Raises:
        TooManyEvaluationsError: the end is not reached with as many evaluations as are allowed.
    """
    run = _Run(given)
    for one, (start, end) in zip(fields, pairwise(bounds), strict=True):
        state = run.stretch(one, state, start, end)
    return Solved(state, run.evaluations, run.rejected)


class _Run:
    """One integration, with its evaluations counted."""

    def __init__(self, given: Tolerances) -> None:
        self.given = given
        self.evaluations = self.rejected = 0

    def stretch(self, field: Field, state: Tensor, start: float, end: float) -> Tensor:
        """The state at `end`, from nothing but the state at `start`."""
        time, slope = start, self._slope(field, state, start, start)
        step = self._first_step(field, state, slope, start, end)
        grow = _GROW
        while time < end:
            at = min(time + step, end)
            step = at - time
            slopes, after = [slope], state
            for node, weights in zip(_NODES, _STAGES, strict=True):
                after = state + step * _mixed(weights, slopes)
                slopes.append(self._slope(field, after, time + node * step, time))
            error = self._norm(step * _mixed(_ERROR, slopes), state, after)
            if error < 1:
                step *= min(grow, _GROW if error == 0 else _SAFETY * error**-_EXPONENT)
                time, state, slope, grow = at, after, slopes[-1], _GROW
            else:  # so is an error that is no number
                self.rejected += len(_NODES)
                step *= max(_SHRINK, _SAFETY * error**-_EXPONENT) if error < math.inf else _SHRINK
                grow = 1.0
        return state

    def _first_step(self, field: Field, state: Tensor, slope: Tensor, start: float, end: float) -> float:
        """As long as the change of the slope over a hundredth of the state's own scale allows."""
        length = end - start
        size, speed = self._norm(state, state), self._norm(slope, state)
        trial = min(1e-6 if size < 1e-5 or speed < 1e-5 else 0.01 * size / speed, length)
        further = self._slope(field, state + trial * slope, start + trial, start)
        bend = self._norm(further - slope, state) / trial
        most = max(speed, bend)
        step = max(1e-6, trial * 1e-3) if most <= 1e-15 else (0.01 / most) ** _EXPONENT
        return min(100 * trial, step, length)

    def _slope(self, field: Field, state: Tensor, time: float, reached: float) -> Tensor:
        if self.evaluations == self.given.max_evaluations:
            raise TooManyEvaluationsError(
                f"dopri5: time {reached:.3f} of 1 after {self.evaluations} evaluations, which are all that "
                "sampler.dopri5.max_evaluations allows; raise it, or atol and rtol"
            )
        self.evaluations += 1
        return field(state, time)

    def _norm(self, value: Tensor, *states: Tensor) -> float:
        """Root mean square of `value`, each number by what it may be wrong by."""
        sizes = torch.stack([state.abs() for state in states]).amax(dim=0)
        return float((value / (self.given.atol + self.given.rtol * sizes)).square().mean().sqrt())


def _mixed(weights: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
    """The weighted sum of the slopes."""
    return torch.stack([weight * slope for weight, slope in zip(weights, slopes, strict=True)]).sum(dim=0)
