"""Probe: the same songs sung again and again while one thing of the request changes, and what that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from eval.metrics.word_timing import timing_errors, timing_estimate
from eval.stats.intervals import Estimate
from jam_model.words import Word, words_of
from tasks.benchmark.song_metrics import ACOUSTIC_PER, JUDGE_MEAN, STYLE, labels_and_intervals
from tasks.benchmark.system_metrics import Measured
from tasks.engine.fingerprint import fingerprint
from tasks.engine.stage import Section
from tasks.prompts.prompts import Prompt, System, policy_system
from tasks.stages.generate import SamplerParams

ASKED_START, TRUE_START = "word_start_median", "true_start_median"


class ProbeParams(Section):
    """`disturb_s`: how far word times are moved at most; `lyrics_scales`: guidance towards the lyrics."""

    num_songs: int = Field(ge=2)
    seed: int
    disturb_s: list[float] = Field(min_length=2)
    lyrics_scales: list[float] = Field(min_length=2)


@dataclass(frozen=True)
class Step:
    """One value of what changes, and the system that sings with it."""

    value: float
    system: System


@dataclass(frozen=True)
class Probe:
    """What is changed, in which unit, and the curves that are drawn."""

    name: str
    title: str
    unit: str
    curves: tuple[str, ...]
    steps: Sequence[Step]


def timing_probe(
    prompts: Sequence[Prompt], weights: str, sampler: SamplerParams, params: ProbeParams
) -> Probe:
    """Word times moved by at most so many seconds: does the model follow them, and does it still sing words?"""
    steps = [
        Step(reach_s, _sung(number, weights, sampler, with_times_moved(prompts, reach_s, params.seed)))
        for number, reach_s in enumerate(params.disturb_s)
    ]
    title = "Word times moved by up to"
    return Probe("timing", title, "s", (ACOUSTIC_PER, ASKED_START, TRUE_START), steps)


def guidance_probe(
    prompts: Sequence[Prompt], weights: str, sampler: SamplerParams, params: ProbeParams
) -> Probe:
    """Guidance towards the lyrics, everything else as `sampler` has it."""
    steps = [
        Step(scale, _sung(number, weights, sampler.model_copy(update={"lyrics_scale": scale}), prompts))
        for number, scale in enumerate(params.lyrics_scales)
    ]
    return Probe(
        "guidance", "Lyrics guidance scale", "", (ACOUSTIC_PER, ASKED_START, STYLE, JUDGE_MEAN), steps
    )


def with_times_moved(prompts: Sequence[Prompt], reach_s: float, seed: int) -> list[Prompt]:
    """Each word moved by a uniform draw from -reach to reach, its length kept, in order and inside the song.

    The draws are the same for every reach, so that a curve compares like with like.
    """
    return [_moved(prompt, reach_s, seed) for prompt in prompts]


def estimates(probe: Probe, step: Step, measured: Measured) -> dict[str, Estimate]:
    """The curves at one step; ``true_start_median`` is against the times before they were moved."""
    found = {name: measured.estimate(step.system.name, name) for name in probe.curves if name != TRUE_START}
    if TRUE_START in probe.curves:
        songs = measured.systems[step.system.name]
        errors = [
            None
            if song.row["placed_words"] is None
            else timing_errors(
                *labels_and_intervals(prompt.words), *labels_and_intervals(words_of(song.row["placed_words"]))
            )
            for song, prompt in zip(songs, measured.prompts, strict=True)
        ]
        found[TRUE_START] = timing_estimate(errors, "start", "median", measured.resampling)
    return {name: found[name] for name in probe.curves}


def _sung(number: int, weights: str, sampler: SamplerParams, prompts: Sequence[Prompt]) -> System:
    return policy_system(f"step-{number}", f"step {number}", weights, sampler, prompts)


def _moved(prompt: Prompt, reach_s: float, seed: int) -> Prompt:
    random = np.random.default_rng([seed, int(fingerprint(prompt.song_id), 16)])
    draws = random.uniform(-1, 1, len(prompt.words)) * reach_s
    words: list[Word] = []
    latest_s, end_s = 0.0, float(prompt.duration_s or 0.0)
    for word, draw_s in zip(prompt.words, draws, strict=True):
        length_s = word.end_s - word.start_s
        start_s = min(max(word.start_s + float(draw_s), latest_s), max(end_s - length_s, latest_s))
        words.append(replace(word, start_s=start_s, end_s=start_s + length_s))
        latest_s = start_s
    return replace(prompt, words=tuple(words))
