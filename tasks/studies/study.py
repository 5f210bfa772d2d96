"""What a study is: one base, and arms that each differ from it in one thing; and the songs that its runs generate.

A run is a checkpoint with a seed of the noise. All arms of a run generate from the same noise, so that they are compared song
by song; several checkpoints (the same training from other seeds) or several seeds say how far one run can be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import Field

from jam_model.checkpoint import weights_hash
from tasks.engine.stage import Section
from tasks.engine.table import Source
from tasks.prompts.prompts import Prompt, policy_system, system_sources
from tasks.stages.generated.generate import SamplerParams
from tasks.times.phones import moved_phones

Slot = tuple[int, float, float]
"""A word of a prompt by its number, and from when to when it is sung."""


class StudyParams(Section):
    """`num_songs` of the benchmark's; `noise_seeds`: songs a prompt and arm, each from noise of its own. `seed`: of what is
    drawn to disturb word times. The lists are the values of the curves: seconds (`_s`), shares of words, or, of `stretch`,
    by how much of the sung time words are pulled apart and pressed together.
    """

    num_songs: int = Field(ge=2)
    noise_seeds: int = Field(ge=1)
    seed: int
    jitter_s: list[float] = Field(min_length=1)
    offset_s: list[float] = Field(min_length=1)
    stretch: list[float] = Field(min_length=1)
    missing: list[float] = Field(min_length=1)
    extra: list[float] = Field(min_length=1)
    swapped: list[float] = Field(min_length=1)
    lyrics_guidance_scales: list[float] = Field(min_length=1)


@dataclass(frozen=True)
class Arm:
    """What is generated: `prompts`, in the order of the base's, by these settings; a point at `value` of a curve, if of any."""

    name: str
    title: str
    prompts: Sequence[Prompt]
    sampler: SamplerParams
    series: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Series:
    """A curve: what is changed, its unit, and the value that the base has."""

    title: str
    unit: str
    base: float = 0.0


@dataclass(frozen=True)
class Study:
    """A question, the arms that answer it, and what is measured.

    Attributes:
        doubt: what would change the answer, in a sentence.
        metrics: names of the catalogue's, and `answers.TRUE_START`.
        doubled: the metric of which each curve tells where it is twice the base's; none: no such thing is asked.
    """

    name: str
    question: str
    doubt: str
    metrics: tuple[str, ...]
    base: Arm
    arms: Sequence[Arm]
    series: Mapping[str, Series] = field(default_factory=dict)
    doubled: str = ""

    @property
    def all_arms(self) -> list[Arm]:
        """The base first."""
        return [self.base, *self.arms]


@dataclass(frozen=True)
class Run:
    """A checkpoint and a seed of the noise; `name` is unique among a study's."""

    name: str
    checkpoint: Path
    weights: str
    seed: int


def placed(prompt: Prompt, slots: Iterable[Slot]) -> Prompt:
    """The prompt with these words at these times; the phones of a word go along, stretched as it is."""
    own = [
        (number, replace(prompt.words[number], start_s=start_s, end_s=end_s))
        for number, start_s, end_s in slots
    ]
    phones = prompt.phones and [
        moved_phones(prompt.phones[number], prompt.words[number], word) for number, word in own
    ]
    return replace(prompt, words=tuple(word for _, word in own), phones=phones)


def runs_of(checkpoints: Sequence[Path], seed: int, noise_seeds: int) -> list[Run]:
    """Every checkpoint with every seed, from `seed` on.

    Raises:
        ValueError: two of the checkpoints are the same weights.
    """
    weights = [weights_hash(path) for path in checkpoints]
    if len(set(weights)) < len(weights):
        raise ValueError(
            f"--checkpoint: {len(checkpoints)} were given, {len(set(weights))} of them differ; give each once"
        )
    return [
        Run(f"c{number}s{seed + more}", path, made, seed + more)
        for number, (path, made) in enumerate(zip(checkpoints, weights, strict=True))
        for more in range(noise_seeds)
    ]


def sources_of(study: Study, runs: Sequence[Run]) -> list[Source]:
    """The songs of every arm and run, as rows of a table."""
    return [
        source
        for run in runs
        for source in system_sources(
            [
                policy_system(system_of(arm, run), arm.title, run.weights, arm.sampler, arm.prompts)
                for arm in study.all_arms
            ],
            run.seed,
        )
    ]


def system_of(arm: Arm, run: Run) -> str:
    """The name under which an arm of a run generates."""
    return f"{arm.name}-{run.name}"
