"""The stage law: songs in, the same songs out, in the same order, with only `writes` changed; `Model`s that a stage builds, a fit over the whole table."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib import import_module
from inspect import isabstract
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from tasks.engine.columns import Column
from tasks.engine.song import Song


class BadModel(ValueError):
    """A model cannot be used as the params ask: a package, its weights or its device. One line, with the hint."""


class StageFailed(RuntimeError):
    """A stage raised something that is no SongError: a fault of the code, the machine or the params."""


class Section(BaseModel):
    """One section of params.yaml. Every number has its only value there: subclasses give no defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # built once, with all settings

    def decides(self) -> dict[str, Any]:
        """The settings that decide values, as a fingerprint covers them: here all of them."""
        return self.model_dump(mode="json")

    @property
    def packages(self) -> tuple[str, ...]:
        """Distributions whose version may change what these settings choose: here none."""
        return ()


class WholeTable(Protocol):
    """What a fit reads."""

    def rows(
        self, columns: Iterable[str], song_ids: Collection[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Songs as `Pipeline.rows` gives them, partition after partition; of these ids alone, if any are given."""


Choice = TypeVar("Choice", bound=Section)
Built = TypeVar("Built")


class Model(cached_property[Built]):
    """A model of a stage: built once a worker, when it is first used, from the section that chooses it.

    `build` is that of the model's kind; the section tells the model's identity (`identity()`) without building it.
    """

    def __init__(self, build: Callable[[Choice], Built]) -> None:
        super().__init__(lambda stage: build(stage.choices[self.attrname]))


class Stage(ABC):
    """One step over songs. A subclass names its columns and says what happens to one song.

    `version` rises whenever the code changes what comes out (a test holds it to the source).
    Its models are attributes, each a `Model`; a stage pickles without those that are built.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    reads: frozenset[str]
    writes: ClassVar[Mapping[str, Column]]
    packages: ClassVar[tuple[str, ...]] = ()  # distributions whose version may change the values
    sink: ClassVar[str | None] = None  # a written column whose bytes go to the shard, not the table
    fit_version: ClassVar[int] = 0  # rises whenever `fit` says something else of the same columns

    def __init__(self, params: Section, *more: Section) -> None:
        """`params`: its own section of params.yaml; `more`: others that decide its values.

        The last ones choose its models, in the order they are declared.
        """
        self.params = params
        self.sections = (params, *more)

    @property
    def choices(self) -> dict[str, Any]:
        """The section that chooses each model, by the model's name."""
        kinds = reversed(type(self).__mro__)
        names = [name for kind in kinds for name, value in vars(kind).items() if isinstance(value, Model)]
        return dict(zip(names, self.sections[len(self.sections) - len(names) :], strict=True))

    @property
    def models(self) -> tuple[str, ...]:
        """Identity (`name@revision`) of every model used, known without building it."""
        return tuple(section.identity() for section in self.choices.values())

    @property
    def facts(self) -> dict[str, Any]:
        """Whatever else decides the values: what chooses the models, whose weights are in an identity, by hash and
        not by path.
        """
        chosen = self.choices.items()
        return {name: section.decides() for name, section in chosen if section is not self.params}

    @property
    def fit_reads(self) -> frozenset[str]:
        """Columns of the whole table that `fit` reads, no heavy ones; empty: the stage has no fit."""
        return frozenset()

    @property
    def fit_facts(self) -> dict[str, Any]:
        """Whatever else decides what `fit` says (its settings)."""
        return {}

    def fit(self, table: WholeTable, reference: WholeTable | None) -> dict[str, Any]:
        """What the whole table says of single songs, as JSON by song id; of a song left out it says nothing.

        Called once every partition of what it reads stands, before the stage's first partition. A song comes to
        `one` with what was said of it as `song.fitted`; only partitions of whose songs something else is said
        run again. `reference`: a table beside it that its songs are compared with, if there is one.
        """
        raise NotImplementedError(f"stage {self.name} reads columns for a fit, but has none")

    def made_by(self, models: Sequence[str]) -> str:
        """Provenance written beside every row: ``align-v1 embedded/ctc-aligner@1``; `models`: as `models` gave them."""
        return " ".join([f"{self.name}-v{self.version}", *models])

    def open(self, song: Song) -> Any:
        """What `one` needs of a song that takes time to get but no model: decoded audio. None: nothing.

        The runner calls this ahead, in a thread of its own, while the model works on the songs before. It may
        therefore use nothing that `one` changes.

        Raises:
            SongError: the song cannot go on; the runner drops it with the reason.
        """
        return None

    def opened(self, song: Song) -> Any:
        """What `open` gives of this song: already there when the runner called it ahead, else got now."""
        return self.open(song) if song.opened is None else song.opened

    @abstractmethod
    def one(self, song: Song) -> Song:
        """The song with this stage's columns written.

        Raises:
            SongError: the song cannot go on; the runner drops it with the reason.
        """

    def __call__(self, songs: list[Song]) -> list[Song]:
        """Songs in, songs out: same length, same order, same ids."""
        return [self.one(song) for song in songs]

    def __getstate__(self) -> dict[str, Any]:
        """What travels to an actor: constructor state only, never a built model."""
        built = {key for key in self.__dict__ if hasattr(getattr(type(self), key, None), "attrname")}
        return {key: value for key, value in self.__dict__.items() if key not in built}


@cache
def stages_in(package: str) -> dict[str, type[Stage]]:
    """Every stage in the modules of a package and its folders, by its name."""
    path = import_module(package).__path__
    modules = [import_module(found.name) for found in pkgutil.walk_packages(path, f"{package}.")]
    return {
        value.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Stage) and not isabstract(value)
    }


def writers_of(stages: Sequence[Stage], columns: Collection[str]) -> list[Stage]:
    """Those of the stages, in order, that these columns are made by, however far away."""
    wanted, found = set(columns), []
    for stage in reversed(stages):
        if stage.writes.keys() & wanted:
            wanted |= stage.reads
            found.append(stage)
    return found[::-1]


def with_all_before(
    stage: str, order: Sequence[str], inputs: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, list[str]]:
    """The inputs of a stage that writes shards, and without a column those before it in `order` of which they are not made: a song that
    one of these dropped is in no shard either. `order` begins with the songs as they were listed, which drop for all.
    """
    found = dict(inputs[stage])
    made_of = {order[0], *found}
    for name in reversed(order[: order.index(stage)]):
        if name not in made_of:
            found[name] = []
        made_of |= {name, *inputs.get(name, ())}
    return {name: found[name] for name in order if name in found}
