"""How much guidance towards the lyrics helps, and when it hurts: scales beside the one in the settings."""

from __future__ import annotations

from collections.abc import Sequence

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import ACOUSTIC_PER
from eval.metrics.fad import FAD
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.metrics.word_timing import WORD_START_MEDIAN
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.study import Arm, Series, Study, StudyParams


def guidance(prompts: Sequence[Prompt], sampler: SamplerParams, params: StudyParams) -> Study:
    """A curve over lyrics guidance scales, everything else as `sampler` has it."""
    own = sampler.lyrics_guidance_scale
    return Study(
        "guidance",
        "How much does guidance by the lyrics help, and when does it hurt?",
        "Another number of steps, or guidance by the style at another scale, moves the best value.",
        tuple(metric.name for metric in (ACOUSTIC_PER, WORD_START_MEDIAN, STYLE_SIMILARITY, FAD, JUDGE_MEAN)),
        Arm("base", f"Lyrics guidance {own:g}, as set", prompts, sampler),
        [
            Arm(
                f"scale-{number}",
                f"Lyrics guidance {scale:g}",
                prompts,
                sampler.model_copy(update={"lyrics_guidance_scale": scale}),
                "guidance",
                scale,
            )
            for number, scale in enumerate(params.lyrics_guidance_scales)
            if scale != own
        ],
        {"guidance": Series("Lyrics guidance scale", "", own)},
    )
