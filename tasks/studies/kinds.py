"""Which studies there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks.models.phonemizer import Phonemizer
from tasks.prompts.prompts import Prompt
from tasks.prompts.rough_times import RoughTimesParams
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.guidance import guidance
from tasks.studies.study import Study, StudyParams
from tasks.studies.times import times
from tasks.studies.timing_noise import timing_noise

Prompted = Callable[[Sequence[Prompt], SamplerParams, StudyParams, Phonemizer, RoughTimesParams], Study]

KINDS: dict[str, Prompted] = {
    "timing-noise": lambda prompts, sampler, params, phonemizer, rough: timing_noise(
        prompts, sampler, params
    ),
    "times": lambda prompts, sampler, params, phonemizer, rough: times(
        prompts, sampler, params, (phonemizer, rough)
    ),
    "guidance": lambda prompts, sampler, params, phonemizer, rough: guidance(prompts, sampler, params),
}
