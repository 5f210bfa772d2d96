"""How much wrong word times cost: six kinds of noise (jitter, late, faster, missing, extra, swapped), each from nothing to much, on the same prompts.

People's times are off by jitter or by a constant, files lack words or have some too many, players run a little fast, and
who types by ear swaps neighbours. What is drawn is the same for all values of a kind, and the words that are disturbed at a
small value are disturbed at a larger one too, so that a curve compares like with like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import ACOUSTIC_PER
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.metrics.word_timing import WORD_START_MEDIAN
from tasks.engine.fingerprint import fingerprint
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.answers import TRUE_START
from tasks.studies.study import Arm, Series, Slot, Study, StudyParams, placed

Disturb = Callable[[Prompt, float, np.random.Generator], list[Slot]]
"""Which words of a prompt are sung when after so much of a noise."""


def jittered(prompt: Prompt, reach_s: float, rng: np.random.Generator) -> list[Slot]:
    """Each word moved by a uniform draw from -reach to reach, its length kept, in order and inside the song."""
    draws = rng.uniform(-1, 1, len(prompt.words)) * reach_s
    slots: list[Slot] = []
    latest_s, end_s = 0.0, _end_s(prompt)
    for number, (word, draw_s) in enumerate(zip(prompt.words, draws, strict=True)):
        length_s = word.end_s - word.start_s
        latest_s = min(max(word.start_s + float(draw_s), latest_s), max(end_s - length_s, latest_s))
        slots.append((number, latest_s, latest_s + length_s))
    return slots


def late(prompt: Prompt, by_s: float, rng: np.random.Generator) -> list[Slot]:
    """All words later by the same time; what leaves the song is cut."""
    return _by_time(prompt, lambda time_s: time_s + by_s)


def early(prompt: Prompt, by_s: float, rng: np.random.Generator) -> list[Slot]:
    """All words earlier by the same time."""
    return _by_time(prompt, lambda time_s: time_s - by_s)


def slower(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Slot]:
    """Times pulled apart from the middle of what is sung: everything lasts longer by this share."""
    return _stretched(prompt, 1 + share)


def faster(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Slot]:
    """Times pressed together about the middle of what is sung."""
    return _stretched(prompt, 1 - share)


def missing(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Slot]:
    """Words left out, each with this probability; the lyrics that are judged keep them."""
    draws = rng.uniform(size=len(prompt.words))
    return [slot for slot, draw in zip(_slots(prompt), draws, strict=True) if draw >= share]


def extra(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Slot]:
    """Words of the same song that nobody asked for, each in the second half of another's time."""
    draws = rng.uniform(size=len(prompt.words))
    others = rng.integers(len(prompt.words), size=len(prompt.words)).tolist()
    slots: list[Slot] = []
    for (number, start_s, end_s), draw, other in zip(_slots(prompt), draws, others, strict=True):
        if draw >= share:
            slots.append((number, start_s, end_s))
        else:
            middle_s = (start_s + end_s) / 2
            slots += [(number, start_s, middle_s), (other, middle_s, end_s)]
    return slots


def swapped(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Slot]:
    """Neighbours that sing each other's word: from each word on with this probability, none of them twice."""
    draws = rng.uniform(size=len(prompt.words))
    order, at = list(range(len(prompt.words))), 0
    while at + 1 < len(order):
        exchanged = draws[at] < share
        if exchanged:
            order[at], order[at + 1] = at + 1, at
        at += 2 if exchanged else 1
    return [(other, start_s, end_s) for other, (_, start_s, end_s) in zip(order, _slots(prompt), strict=True)]


KINDS: dict[str, tuple[Disturb, str, Series]] = {
    "jitter": (jittered, "jitter_s", Series("Words moved by up to", "s")),
    "late": (late, "offset_s", Series("All words late by", "s")),
    "early": (early, "offset_s", Series("All words early by", "s")),
    "slower": (slower, "stretch", Series("Times stretched by", "")),
    "faster": (faster, "stretch", Series("Times compressed by", "")),
    "missing": (missing, "missing", Series("Words left out", "")),
    "extra": (extra, "extra", Series("Words too many", "")),
    "swapped": (swapped, "swapped", Series("Neighbours swapped", "")),
}
"""Each noise, the setting that holds its values, and its curve."""


def timing_noise(prompts: Sequence[Prompt], sampler: SamplerParams, params: StudyParams) -> Study:
    """The curves of all kinds, from the benchmark's own prompts on."""
    arms = [
        Arm(
            f"{kind}-{number}",
            f"{series.title} {value:g} {series.unit}".strip(),
            disturbed(prompts, kind, value, params.seed),
            sampler,
            kind,
            value,
        )
        for kind, (_, setting, series) in KINDS.items()
        for number, value in enumerate(getattr(params, setting))
    ]
    return Study(
        "timing-noise",
        "How much do wrong word times cost, and from which error on?",
        "A model that was trained on times with such noise, or one whose ears are less sure of fast words, may bend later or not at all.",
        (ACOUSTIC_PER.name, WORD_START_MEDIAN.name, TRUE_START.name, STYLE_SIMILARITY.name, JUDGE_MEAN.name),
        Arm("base", "The times as they are", prompts, sampler),
        arms,
        {kind: series for kind, (_, _, series) in KINDS.items()},
        ACOUSTIC_PER.name,
    )


def disturbed(prompts: Sequence[Prompt], kind: str, value: float, seed: int) -> list[Prompt]:
    """Every prompt with so much of a noise. What is drawn depends on seed, kind and song, not on the value."""
    disturb, number = KINDS[kind][0], list(KINDS).index(kind)

    def rng(prompt: Prompt) -> np.random.Generator:
        return np.random.default_rng([seed, number, int(fingerprint(prompt.song_id), 16)])

    return [placed(one, disturb(one, value, rng(one))) if one.words else one for one in prompts]


def _slots(prompt: Prompt) -> list[Slot]:
    return [(number, word.start_s, word.end_s) for number, word in enumerate(prompt.words)]


def _stretched(prompt: Prompt, factor: float) -> list[Slot]:
    middle_s = (prompt.words[0].start_s + prompt.words[-1].end_s) / 2
    return _by_time(prompt, lambda time_s: middle_s + (time_s - middle_s) * factor)


def _by_time(prompt: Prompt, place: Callable[[float], float]) -> list[Slot]:
    end_s = _end_s(prompt)

    def inside(time_s: float) -> float:
        return min(max(place(time_s), 0.0), end_s)

    return [(number, inside(start_s), inside(stop_s)) for number, start_s, stop_s in _slots(prompt)]


def _end_s(prompt: Prompt) -> float:
    return float(prompt.duration_s) if prompt.duration_s else max(word.end_s for word in prompt.words)
