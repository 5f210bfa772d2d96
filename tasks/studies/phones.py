"""What it is worth to tell a model when phones are sung: even, true and predicted times within the same words.

Words and their times are the same in every arm. With the weights fixed a model that learned true times is asked with others; a
training of each filler by its name says what it would have learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import ACOUSTIC_PER, WER
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.metrics.word_timing import WORD_START_MEDIAN
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.study import Arm, Study

NO_PREDICTOR = (
    "No predicted times: no duration predictor stands in the work folder; `jam durations` trains one."
)


def phones(
    prompts: Sequence[Prompt],
    sampler: SamplerParams,
    predicted: Mapping[str, Sequence[Prompt]],
    trainings: Sequence[str],
) -> Study:
    """The arms of every filling. `predicted`: prompts with phones by a predictor, by what it is called; `trainings`: names of
    checkpoints that were trained with another filler, each asked as it was taught.

    Raises:
        ValueError: no prompt has phones in time.
    """
    known = sum(bool(phones) for prompt in prompts for phones in prompt.phones or ())
    if not known:
        raise ValueError(
            f"study: none of {len(prompts)} songs has phones in time; prepare with phones.times: aligner (or given)"
        )
    words = sum(len(prompt.words) for prompt in prompts)
    return Study(
        "phones",
        "What is it worth to tell the model when phones are sung?",
        "Arms with the weights fixed ask a model for what it never learned: only trainings of each filler, several of each, say what "
        "a filler is worth. Faster songs, or held words of more phones, may need their phones more.",
        tuple(metric.name for metric in (ACOUSTIC_PER, WER, WORD_START_MEDIAN, STYLE_SIMILARITY, JUDGE_MEAN)),
        Arm("base", "Phones as they are sung", prompts, sampler),
        [
            Arm(
                "even", "Phones evenly in their word", [replace(one, phones=None) for one in prompts], sampler
            ),
            *(
                Arm(f"predicted-{number}", name, list(of), sampler)
                for number, (name, of) in enumerate(predicted.items())
            ),
            *(
                Arm(f"trained-{number}", f"Trained: {name}", prompts, sampler, training=name)
                for number, name in enumerate(trainings)
            ),
        ],
        strata=True,
        notes=[
            f"{known} of {words} words have phones in time; the others lie evenly in every arm.",
            *([] if predicted else [NO_PREDICTOR]),
        ],
    )
