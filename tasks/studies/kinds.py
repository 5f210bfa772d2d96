"""Which studies there are, and what beside prompts and settings they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.models.phonemizer import Phonemizer
from tasks.prompts.prompts import Prompt
from tasks.prompts.rough_times import RoughTimesParams
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.guidance import guidance
from tasks.studies.long_form import long_form
from tasks.studies.phones import phones
from tasks.studies.quantised import quantised
from tasks.studies.study import Study, StudyParams
from tasks.studies.times import times
from tasks.studies.timing_noise import timing_noise


@dataclass(frozen=True)
class Beside:
    """What word times are made by, prompts that were timed elsewhere, by what they are called, other trainings, and the
    beats of songs by their id; `paints`: whether the model has the control `painting`.
    """

    phonemizer: Phonemizer
    rough: RoughTimesParams
    timed: Mapping[str, Sequence[Prompt]] = field(default_factory=dict)
    trainings: Sequence[str] = ()
    beats_s: Mapping[str, Sequence[float]] = field(default_factory=dict)
    paints: bool = False


Kind = Callable[[Sequence[Prompt], SamplerParams, StudyParams, Beside], Study]

TIMES, PHONES, QUANTISED, LONG_FORM = "times", "phones", "quantised", "long-form"
TAKE_TRAININGS = (PHONES, QUANTISED)
"""Studies in which checkpoints may have names: other trainings."""
KINDS: dict[str, Kind] = {
    "timing-noise": lambda prompts, sampler, params, beside: timing_noise(prompts, sampler, params),
    TIMES: lambda prompts, sampler, params, beside: times(
        prompts, sampler, params, (beside.phonemizer, beside.rough), beside.timed
    ),
    PHONES: lambda prompts, sampler, params, beside: phones(prompts, sampler, beside.timed, beside.trainings),
    QUANTISED: lambda prompts, sampler, params, beside: quantised(
        prompts, sampler, params, beside.beats_s, beside.trainings
    ),
    LONG_FORM: lambda prompts, sampler, params, beside: long_form(prompts, sampler, params, beside.paints),
    "guidance": lambda prompts, sampler, params, beside: guidance(prompts, sampler, params),
}
