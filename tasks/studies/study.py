"""What a study is (`Study`, `StudyParams`): one base, and arms and series that each differ from it in one thing; runs, checkpoints, seeds and sources.

A run is a checkpoint with a seed of the noise. All arms of a run generate from the same noise, so that they are compared song
by song; several checkpoints (the same training from other seeds) or several seeds say how far one run can be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import Field, field_validator

from eval.metrics.metric import SongMetric
from jam_model.checkpoint import load_config, weights_hash
from jam_model.lyric_grid import SUNG
from tasks.engine.stage import Section
from tasks.engine.table import Source
from tasks.prompts.prompts import Prompt, System, policy_system, system_sources
from tasks.stages.generated.generate import SamplerParams
from tasks.times.grid import parts_of_beat
from tasks.times.phones import moved_phones

Slot = tuple[int, float, float]
"""A word of a prompt by its number, and from when to when it is sung."""


class StudyParams(Section):
    """`num_songs` of the benchmark's; `noise_seeds`: songs a prompt and arm, each from noise of its own. `seed`: of what is
    drawn to disturb word times. The lists are the values of the curves: seconds (`_s`), shares of words, or, of `stretch`,
    by how much of the sung time words are pulled apart and pressed together. `grid`: the parts of beats that words are moved to.
    `window_s`: how long the windows of long-form are.
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
    grid: str
    window_s: float = Field(gt=0)

    @field_validator("grid")
    @classmethod
    def _is_a_grid(cls, grid: str) -> str:
        parts_of_beat(grid)
        return grid


@dataclass(frozen=True)
class Arm:
    """What is generated: `prompts`, in the order of the base's, by these settings; a point at `value` of a curve, if of any.
    `training`: by another training than the run's own, by its name. `is_true`: the songs themselves, and nothing generated.
    """

    name: str
    title: str
    prompts: Sequence[Prompt]
    sampler: SamplerParams
    series: str = ""
    value: float | None = None
    training: str = ""
    is_true: bool = False


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
        strata: whether acoustic phone errors are told by how fast words are sung, too.
        notes: what a reader of the answer must know of these songs.
        own_metrics: those of `metrics` that are this study's alone.
    """

    name: str
    question: str
    doubt: str
    metrics: tuple[str, ...]
    base: Arm
    arms: Sequence[Arm]
    series: Mapping[str, Series] = field(default_factory=dict)
    doubled: str = ""
    strata: bool = False
    notes: Sequence[str] = ()
    own_metrics: Sequence[SongMetric] = ()

    @property
    def all_arms(self) -> list[Arm]:
        """The base first."""
        return [self.base, *self.arms]


@dataclass(frozen=True)
class Run:
    """A checkpoint and a seed of the noise; `name` is unique among a study's. `others`: the checkpoint and its weights of each
    other training that arms have, by its name.
    """

    name: str
    checkpoint: Path
    weights: str
    seed: int
    others: Mapping[str, tuple[Path, str]] = field(default_factory=dict)

    @property
    def checkpoints(self) -> dict[str, Path]:
        """Of all trainings, by their weights."""
        return {self.weights: self.checkpoint, **{weights: path for path, weights in self.others.values()}}

    def weights_of(self, arm: Arm) -> str:
        """What generates the songs of an arm."""
        return self.others[arm.training][1] if arm.training else self.weights


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


def runs_of(
    checkpoints: Sequence[Path],
    seed: int,
    noise_seeds: int,
    others: Mapping[str, Sequence[Path]] | None = None,
) -> list[Run]:
    """Every checkpoint with every seed, from `seed` on. `others`: checkpoints of other trainings by their names, the first of each
    in the runs of the first checkpoint, and so on.

    Raises:
        ValueError: two checkpoints are the same weights, or another training has more or fewer of them.
    """
    others = others or {}
    for name, paths in others.items():
        if len(paths) != len(checkpoints):
            raise ValueError(
                f"--checkpoint: {len(paths)} of {name!r} beside {len(checkpoints)} without a name; give as many of each"
            )
    given = [*checkpoints, *(path for paths in others.values() for path in paths)]
    weights = [weights_hash(path) for path in given]
    if len(set(weights)) < len(weights):
        raise ValueError(
            f"--checkpoint: {len(given)} were given, {len(set(weights))} of them differ; give each once"
        )
    made = dict(zip(given, weights, strict=True))
    return [
        Run(
            f"c{number}s{seed + more}",
            path,
            made[path],
            seed + more,
            {name: (paths[number], made[paths[number]]) for name, paths in others.items()},
        )
        for number, path in enumerate(checkpoints)
        for more in range(noise_seeds)
    ]


def check_lays_phones(runs: Sequence[Run]) -> None:
    """Raises a ValueError where a run's model lays phones evenly whenever they are sung: all its arms would be one."""
    for run in runs:
        filler = load_config(run.checkpoint).filler
        if filler != SUNG:
            raise ValueError(
                f"study: {run.checkpoint} was taught jam.filler: {filler}, which knows no times of phones; give --checkpoint one that "
                "was trained with jam.filler: sung"
            )


def sources_of(study: Study, runs: Sequence[Run]) -> list[Source]:
    """The songs of every arm and run, as rows of a table."""
    return [
        source
        for run in runs
        for source in system_sources([_system(arm, run) for arm in study.all_arms], run.seed)
    ]


def _system(arm: Arm, run: Run) -> System:
    name = system_of(arm, run)
    if arm.is_true:
        return System(name, arm.title, {"kind": "copy"}, arm.prompts)
    return policy_system(name, arm.title, run.weights_of(arm), arm.sampler, arm.prompts)


def system_of(arm: Arm, run: Run) -> str:
    """The name under which an arm of a run generates."""
    return f"{arm.name}-{run.name}"
