"""The settings of preference training (beta, terms of the loss) and of a sweep over ways of it, which need no torch: sections `dpo` and `sweep`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tasks.engine.stage import Section
from tasks.trainer.params import FitParams


class PreferParams(FitParams):
    """One round. `term` (none | win | gt) is the flow loss added with `term_weight`; published: beta 2000, gt, 0.2.

    `error_over`: the frames a flow error is the mean of. ``max_frames``: all, silence after the song included, as
    released, which is what the published beta belongs to; ``song``: those of the song.
    """

    measures_updates: ClassVar[bool] = True

    max_frames: int
    past_end_share: float
    error_over: Literal["max_frames", "song"]
    beta: float
    term: Literal["none", "win", "gt"]
    term_weight: float
    style_condition_dropout: float
    lyrics_condition_dropout: float
    condition_dropout_rule: Literal["jam", "independent"]


def control_of(params: PreferParams) -> PreferParams:
    """The same training without the preference."""
    return params.model_copy(update={"beta": 0.0})


class SweepParams(Section):
    """Every arm is trained from each of `seeds`; every model generates `num_prompts` validation songs once, from the
    noise of `seed`.
    """

    seeds: tuple[int, ...] = Field(min_length=1)
    num_prompts: int = Field(ge=2)
    seed: int
    num_resamples: int = Field(ge=100)
