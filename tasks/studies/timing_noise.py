"""How much wrong word times cost: six kinds of noise, each from nothing to much, on the same prompts.

People's times are off by jitter or by a constant, files lack words or have some too many, players run a little fast, and
who types by ear swaps neighbours. What is drawn is the same for all values of a kind, and the words that are disturbed at a
small value are disturbed at a larger one too, so that a curve compares like with like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import ACOUSTIC_PER
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.metrics.word_timing import WORD_START_MEDIAN
from jam_model.words import Word
from tasks.engine.fingerprint import fingerprint
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.answers import TRUE_START
from tasks.studies.study import Arm, Series, Study, StudyParams

Disturb = Callable[[Prompt, float, np.random.Generator], list[Word]]
"""The words of a prompt after so much of a noise."""


def jittered(prompt: Prompt, reach_s: float, rng: np.random.Generator) -> list[Word]:
    """Each word moved by a uniform draw from -reach to reach, its length kept, in order and inside the song."""
    draws = rng.uniform(-1, 1, len(prompt.words)) * reach_s
    words: list[Word] = []
    latest_s, end_s = 0.0, _end_s(prompt)
    for word, draw_s in zip(prompt.words, draws, strict=True):
        length_s = word.end_s - word.start_s
        start_s = min(max(word.start_s + float(draw_s), latest_s), max(end_s - length_s, latest_s))
        words.append(replace(word, start_s=start_s, end_s=start_s + length_s))
        latest_s = start_s
    return words


def late(prompt: Prompt, by_s: float, rng: np.random.Generator) -> list[Word]:
    """All words later by the same time; what leaves the song is cut."""
    return _placed(prompt, lambda time_s: time_s + by_s)


def early(prompt: Prompt, by_s: float, rng: np.random.Generator) -> list[Word]:
    """All words earlier by the same time."""
    return _placed(prompt, lambda time_s: time_s - by_s)


def slower(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Word]:
    """Times pulled apart from the middle of what is sung: everything lasts longer by this share."""
    return _stretched(prompt, 1 + share)


def faster(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Word]:
    """Times pressed together about the middle of what is sung."""
    return _stretched(prompt, 1 - share)


def missing(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Word]:
    """Words left out, each with this probability; the lyrics that are judged keep them."""
    draws = rng.uniform(size=len(prompt.words))
    return [word for word, draw in zip(prompt.words, draws, strict=True) if draw >= share]


def extra(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Word]:
    """Words of the same song that nobody asked for, each in the second half of another's time."""
    draws = rng.uniform(size=len(prompt.words))
    others = rng.integers(len(prompt.words), size=len(prompt.words))
    words: list[Word] = []
    for word, draw, other in zip(prompt.words, draws, others, strict=True):
        if draw >= share:
            words.append(word)
            continue
        middle_s = (word.start_s + word.end_s) / 2
        uninvited = replace(prompt.words[other], start_s=middle_s, end_s=word.end_s)
        words += [replace(word, end_s=middle_s), uninvited]
    return words


def swapped(prompt: Prompt, share: float, rng: np.random.Generator) -> list[Word]:
    """Neighbours that sing each other's word: from each word on with this probability, none of them twice."""
    draws = rng.uniform(size=len(prompt.words))
    order, at = list(range(len(prompt.words))), 0
    while at + 1 < len(order):
        exchanged = draws[at] < share
        if exchanged:
            order[at], order[at + 1] = at + 1, at
        at += 2 if exchanged else 1
    return [
        replace(prompt.words[other], start_s=slot.start_s, end_s=slot.end_s)
        for slot, other in zip(prompt.words, order, strict=True)
    ]


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
    return [
        replace(
            prompt,
            words=tuple(
                disturb(
                    prompt,
                    value,
                    np.random.default_rng([seed, number, int(fingerprint(prompt.song_id), 16)]),
                )
            )
            if prompt.words
            else (),
        )
        for prompt in prompts
    ]


def _stretched(prompt: Prompt, factor: float) -> list[Word]:
    middle_s = (prompt.words[0].start_s + prompt.words[-1].end_s) / 2
    return _placed(prompt, lambda time_s: middle_s + (time_s - middle_s) * factor)


def _placed(prompt: Prompt, place: Callable[[float], float]) -> list[Word]:
    end_s = _end_s(prompt)
    inside = [[min(max(place(at_s), 0.0), end_s) for at_s in (w.start_s, w.end_s)] for w in prompt.words]
    return [
        replace(word, start_s=start_s, end_s=stop_s)
        for word, (start_s, stop_s) in zip(prompt.words, inside, strict=True)
    ]


def _end_s(prompt: Prompt) -> float:
    return float(prompt.duration_s) if prompt.duration_s else max(word.end_s for word in prompt.words)
