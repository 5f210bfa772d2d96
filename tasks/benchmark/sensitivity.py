"""Sensitivity tests: the same songs generated again and again while one thing of the request changes, and what that does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import Field

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.catalogue import metric_of
from eval.metrics.error_rates import ACOUSTIC_PER
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.metrics.word_timing import WORD_START_MEDIAN
from eval.pages.curve import curve_svg
from eval.results.report import STAMP, is_stand_in
from eval.stats.intervals import Estimate
from jam_model.words import Word, rows_of
from tasks.benchmark.system_metrics import Measured
from tasks.engine.fingerprint import fingerprint
from tasks.engine.stage import Section
from tasks.prompts.prompts import Prompt, System, policy_system
from tasks.stages.generated.generate import SamplerParams
from tasks.storage.files import write_bytes, write_json
from tasks.times.phones import moved_phones

TRUE_START = "true_start_median"
TRUE_TITLE = "Word start error against the unmoved times, median"


class SensitivityParams(Section):
    """`disturb_s`: how far word times are moved at most; `lyrics_guidance_scales`: guidance towards the lyrics."""

    num_songs: int = Field(ge=2)
    seed: int
    disturb_s: list[float] = Field(min_length=2)
    lyrics_guidance_scales: list[float] = Field(min_length=2)


@dataclass(frozen=True)
class Step:
    """One value of what changes, and the system that generates with it."""

    value: float
    system: System


@dataclass(frozen=True)
class SensitivityTest:
    """What is changed, in which unit, and the curves that are drawn."""

    name: str
    title: str
    unit: str
    curves: tuple[str, ...]
    steps: Sequence[Step]


def timing_test(
    prompts: Sequence[Prompt], weights: str, sampler: SamplerParams, params: SensitivityParams
) -> SensitivityTest:
    """Word times moved by at most so many seconds: does the model follow them, and does it still say words?"""
    steps = [
        Step(reach_s, _sung(number, weights, sampler, with_times_moved(prompts, reach_s, params.seed)))
        for number, reach_s in enumerate(params.disturb_s)
    ]
    title = "Word times moved by up to"
    return SensitivityTest(
        "timing", title, "s", (ACOUSTIC_PER.name, WORD_START_MEDIAN.name, TRUE_START), steps
    )


def guidance_test(
    prompts: Sequence[Prompt], weights: str, sampler: SamplerParams, params: SensitivityParams
) -> SensitivityTest:
    """Guidance towards the lyrics, everything else as `sampler` has it."""
    steps = [
        Step(
            scale,
            _sung(number, weights, sampler.model_copy(update={"lyrics_guidance_scale": scale}), prompts),
        )
        for number, scale in enumerate(params.lyrics_guidance_scales)
    ]
    curves = (ACOUSTIC_PER, WORD_START_MEDIAN, STYLE_SIMILARITY, JUDGE_MEAN)
    return SensitivityTest(
        "guidance", "Lyrics guidance scale", "", tuple(metric.name for metric in curves), steps
    )


KINDS = {"timing": timing_test, "guidance": guidance_test}


def with_times_moved(prompts: Sequence[Prompt], reach_s: float, seed: int) -> list[Prompt]:
    """Each word moved by a uniform draw from -reach to reach, its length kept, in order and inside the song.

    The draws are the same for every reach, so that a curve compares like with like.
    """
    return [_moved(prompt, reach_s, seed) for prompt in prompts]


def estimates(probe: SensitivityTest, step: Step, measured: Measured) -> dict[str, Estimate]:
    """The curves at one step; ``true_start_median`` is against the times before they were moved."""
    found = {name: measured.estimate(step.system.name, name) for name in probe.curves if name != TRUE_START}
    if TRUE_START in probe.curves:
        errors = [
            WORD_START_MEDIAN.measure(
                replace(song.song, row={**song.row, "reference_words": rows_of(prompt.words)})
            )
            for song, prompt in zip(measured.systems[step.system.name], measured.prompts, strict=True)
        ]
        found[TRUE_START] = WORD_START_MEDIAN.estimate(errors, measured.corpus)
    return {name: found[name] for name in probe.curves}


def write_curves(
    folder: Path,
    test: SensitivityTest,
    points: Sequence[tuple[float, Mapping[str, Estimate]]],
    weights: str,
    num_songs: int,
    made_by: Sequence[str],
) -> Path:
    """What a test of these weights found: ``sensitivity.json``, and a figure a curve beside it; returns the JSON file.

    `points`: the curves' estimates at each value; `made_by`: the models that generated and measured.
    """
    kept = ("value", "low", "high", "n", "n_failed", "reason")
    record = {
        "kind": test.name,
        "title": test.title,
        "unit": test.unit,
        "titles": {name: title_of(name) for name in test.curves},
        "weights": weights,
        "num_songs": num_songs,
        "stamp": STAMP if is_stand_in(made_by) else None,
        "made_by": list(made_by),
        "points": [
            {
                "value": value,
                "metrics": {name: {key: getattr(e, key) for key in kept} for name, e in found.items()},
            }
            for value, found in points
        ],
    }
    write_json(folder / "sensitivity.json", record)
    label = f"{test.title} {test.unit}".strip()
    for name in test.curves:
        times = 100.0 if name != TRUE_START and metric_of(name).percent else 1.0
        shown = [(value, found[name]) for value, found in points]
        write_bytes(folder / f"{name}.svg", curve_svg(title_of(name), label, shown, times).encode())
    return folder / "sensitivity.json"


def title_of(curve: str) -> str:
    """A curve in words."""
    return TRUE_TITLE if curve == TRUE_START else metric_of(curve).title


def _sung(number: int, weights: str, sampler: SamplerParams, prompts: Sequence[Prompt]) -> System:
    return policy_system(f"step-{number}", f"step {number}", weights, sampler, prompts)


def _moved(prompt: Prompt, reach_s: float, seed: int) -> Prompt:
    random = np.random.default_rng([seed, int(fingerprint(prompt.song_id), 16)])
    draws = random.uniform(-1, 1, len(prompt.words)) * reach_s
    words: list[Word] = []
    of_words = prompt.phones
    latest_s, end_s = 0.0, float(prompt.duration_s or 0.0)
    for word, draw_s in zip(prompt.words, draws, strict=True):
        length_s = word.end_s - word.start_s
        start_s = min(max(word.start_s + float(draw_s), latest_s), max(end_s - length_s, latest_s))
        words.append(replace(word, start_s=start_s, end_s=start_s + length_s))
        latest_s = start_s
    phones = of_words and list(map(moved_phones, of_words, prompt.words, words))
    return replace(prompt, words=tuple(words), phones=phones)
