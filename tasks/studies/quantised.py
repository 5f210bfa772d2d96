"""Do word times on beats make a worse voice? Three trainings: a singer's own (continuous) times, quantised and dequantised ones, each asked with all three.

JAM found an electronic voice where it learned from times on a grid, which no error rate hears: flatness of pitch and of lengths
is read beside the songs' own. All trainings generate from the same noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import ACOUSTIC_PER, WER
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.metrics.word_timing import WORD_START_MEDIAN
from eval.results.plural import counted
from tasks.engine.fingerprint import fingerprint
from tasks.engine.song import Refused
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.answers import TRUE_START
from tasks.studies.study import Arm, Study, StudyParams, placed
from tasks.times.grid import on_beats, parts_of_beat

CONTINUOUS, QUANTISED, DEQUANTISED = "continuous", "quantised", "dequantised"


def quantised(
    prompts: Sequence[Prompt],
    sampler: SamplerParams,
    params: StudyParams,
    beats_s: Mapping[str, Sequence[float]],
    trainings: Sequence[str],
) -> Study:
    """Every training with every kind of times; the base is the run's own with a singer's. `beats_s`: of each song by its id;
    `trainings`: names of checkpoints that learned from other times.

    Raises:
        ValueError: fewer than two songs have the beats and steps that their words need.
    """
    moved = [_moved(prompt, beats_s.get(prompt.song_id, ()), params) for prompt in prompts]
    found = [of for of in moved if of is not None]
    if len(found) < 2:
        raise ValueError(
            f"study: the words of {len(found)} of {len(prompts)} songs fit on {params.grid} of their beats; give study.grid more parts"
        )
    kinds = dict(zip((CONTINUOUS, QUANTISED, DEQUANTISED), map(list, zip(*found, strict=True)), strict=True))
    arms = [
        Arm(f"{kind}-{number}", _title(training, kind), asked, sampler, training=training)
        for number, training in enumerate(("", *trainings))
        for kind, asked in kinds.items()
        if training or kind != CONTINUOUS
    ]
    base = Arm("base", _title("", CONTINUOUS), kinds[CONTINUOUS], sampler)
    lost = len(prompts) - len(found)
    return Study(
        "quantised",
        "Do word times on beats make a worse voice?",
        "Songs whose singers keep off the beat more, another grid, or several trainings of each kind: one training says nothing of the next.",
        tuple(
            metric.name
            for metric in (
                ACOUSTIC_PER,
                WER,
                WORD_START_MEDIAN,
                TRUE_START,
                STYLE_SIMILARITY,
                JUDGE_MEAN,
            )
        ),
        base,
        [Arm("true", "The songs themselves", base.prompts, sampler, is_true=True), *arms],
        notes=[
            f"Times on {params.grid} of the beats that were heard; dequantised: then anywhere within their step.",
            *([f"{counted(lost, 'song')} left out: too few beats or steps for the words."] if lost else []),
        ],
    )


def _title(training: str, kind: str) -> str:
    return f"Trained as {training or 'the base'}, asked {kind}"


def _moved(
    prompt: Prompt, beats_s: Sequence[float], params: StudyParams
) -> tuple[Prompt, Prompt, Prompt] | None:
    """The prompt as it is, quantised and dequantised; None where its words do not fit on the grid."""
    if not prompt.words:
        return prompt, prompt, prompt
    parts, duration_s = parts_of_beat(params.grid), prompt.duration_s or prompt.words[-1].end_s
    rng = np.random.default_rng([params.seed, int(fingerprint(prompt.song_id), 16)])
    try:
        on_steps, within = (on_beats(prompt.words, beats_s, parts, duration_s, one) for one in (None, rng))
    except Refused:
        return None
    steps = [
        placed(prompt, [(number, word.start_s, word.end_s) for number, word in enumerate(words)])
        for words in (on_steps, within)
    ]
    return prompt, steps[0], steps[1]
