"""What stages share: models that are built once a worker, the mix or the vocals opened ahead."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np

from tasks.audio.mix import mix_of
from tasks.audio.read import read_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage

Choice = TypeVar("Choice", bound=Section)
Built = TypeVar("Built")


class Model(cached_property[Built]):
    """A model of a stage: built once a worker, when it is first used, from the section that chooses it.

    `identity` and `build` are those of the model's kind; `identity` builds nothing.
    """

    def __init__(self, identity: Callable[[Choice], str], build: Callable[[Choice], Built]) -> None:
        super().__init__(lambda stage: build(stage.choices[self.attrname]))
        self.identity: Callable[[Any], str] = identity


class ModelStage(Stage):
    """A stage with a `Model` or several: the last of its sections choose them, in the order they are declared."""

    @property
    def choices(self) -> dict[str, Section]:
        """The section that chooses each model, by the model's name."""
        names = [name for name, value in vars(type(self)).items() if isinstance(value, Model)]
        return dict(zip(names, self.sections[len(self.sections) - len(names) :], strict=True))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(vars(type(self))[name].identity(section) for name, section in self.choices.items())

    @property
    def facts(self) -> dict[str, Any]:
        """The sections of the models; weights are in an identity, by hash and not by path."""
        return {
            name: section.decides() for name, section in self.choices.items() if section is not self.params
        }


class MixStage(ModelStage):
    """A stage that listens to the mix."""

    reads = frozenset({"audio", "duration_s"})
    packages: ClassVar[tuple[str, ...]] = ("av", "numpy", "scipy", "soundfile", "soxr")

    def open(self, song: Song) -> np.ndarray | None:
        """The mix, float32 [2, N] at 44.1 kHz."""
        return mix_of(song.song_id, song["audio"], song.root)


class VocalsStage(ModelStage):
    """A stage that listens to the vocals."""

    reads = frozenset({"vocals", "duration_s"})
    packages: ClassVar[tuple[str, ...]] = ("numpy", "torch", "soundfile", "soxr")

    def open(self, song: Song) -> np.ndarray | None:
        """The vocals, float32 [N] at 44.1 kHz."""
        return read_bytes(song["vocals"])[0][0]
