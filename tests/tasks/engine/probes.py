"""Tiny stages and tables for the engine's tests; a module of its own so that workers can import it."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.limits import Limits
from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline
from tasks.engine.run_partition import Work, run_partition
from tasks.engine.song import Song, SongError
from tasks.engine.stage import BadModel, Section, Stage, WholeTable
from tasks.engine.table import Source, Table

ENGINE = EngineParams(
    partition_size=4,
    address=None,
    num_workers=2,
    min_workers=0,
    idle_worker_s=60.0,
    cpus_per_worker=1.0,
    gpus_per_worker=0.0,
    threads_per_worker=1,
    object_store_mb=100,
    shard_cache_mb=100,
    audio_cache_mb=100,
    song_limit_s=6.0,
    song_limit_per_audio_s=0.0,
    song_memory_mb=None,
    evict=(),
    stages={},
    dashboard=False,
    metrics_port=None,
    partition_lines="none",
)


TEXT, NUMBER, FLAG = (Column(kind, "made for the tests") for kind in (pa.string(), pa.float64(), pa.bool_()))
FLAGS = Column(pa.list_(pa.string()), "what was found")
BYTES = Column(pa.large_binary(), "made for the tests", large=True)
LISTED = {"title": TEXT, "lyrics_path": TEXT}


class Factor(Section):
    factor: float


class Measure(Stage):
    """Writes a length from the title; titles say what should go wrong."""

    name = "measure"
    version = 1
    reads = frozenset({"title"})
    writes = {"duration_s": NUMBER}

    def one(self, song: Song) -> Song:
        if song["title"] == "drop me":
            raise SongError(song.song_id, "too_short", "made for the test")
        if song["title"] == "abort":
            os.abort()
        if song["title"] == "sleep":
            time.sleep(600)
        if song["title"] == "slow":
            time.sleep(2.5)
        if song["title"] == "greedy":
            hoard = []
            while True:
                hoard.append(b"x" * 2**24)
        if song["title"] == "bug":
            raise KeyError("a fault of the code")
        return song.with_columns(duration_s=len(song["title"]) * self.params.factor)


class Cut(Stage):
    """A large column and a shard fragment."""

    name = "cut"
    version = 1
    reads = frozenset({"duration_s"})
    writes = {"vocals": BYTES, "sample": BYTES}
    sink = "sample"

    def one(self, song: Song) -> Song:
        return song.with_columns(
            vocals=b"v" * int(song["duration_s"]), sample=song.song_id.encode().ljust(512, b"\0")
        )


class Flag(Stage):
    """Reads only the title: blind to what `measure` drops."""

    name = "flag"
    version = 1
    reads = frozenset({"title"})
    writes = {"kept": FLAG}

    def one(self, song: Song) -> Song:
        return song.with_columns(kept=True)


class Rank(Stage):
    """Its fit looks for the longest (or shortest) title of the whole table; that song alone is told so."""

    name = "rank"
    version = 1
    reads = frozenset({"title"})
    writes = {"flags": FLAGS}

    def __init__(self, params: Factor, found: str = "longest") -> None:
        super().__init__(params)
        self.found = found

    @property
    def fit_facts(self) -> dict[str, str]:
        return {"found": self.found}

    @property
    def fit_reads(self) -> frozenset[str]:
        return frozenset({"duration_s"})

    def fit(self, table: WholeTable, reference: WholeTable | None) -> dict[str, str]:
        lengths = {row["song_id"]: row["duration_s"] for row in table.rows(["duration_s"])}
        choose = max if self.found == "longest" else min
        return {choose(lengths, key=lambda song_id: lengths[song_id]): self.found}

    def one(self, song: Song) -> Song:
        return song.with_columns(flags=[song.fitted] if song.fitted else [])


class Show(Stage):
    """Reads the large column of `cut` and what the fit of `rank` said."""

    name = "show"
    version = 1
    reads = frozenset({"vocals", "flags"})
    writes = {"kept": FLAG}

    def one(self, song: Song) -> Song:
        return song.with_columns(kept=bool(song["vocals"]) and bool(song["flags"]))


def sources(titles: list[str]) -> list[Source]:
    return [
        Source(f"song-{index:02d}", hashlib.sha256(f"{index}{title}".encode()).hexdigest(), {"title": title})
        for index, title in enumerate(titles)
    ]


def table_of(root: Path, titles: list[str]) -> Table:
    table = Table(root / "table", LISTED)
    table.admit(sources(titles), ENGINE.partition_size, fewest=1)
    return table


def pipeline_of_titles(root: Path, titles: list[str], *stages: Stage) -> Pipeline:
    return Pipeline(table_of(root, titles), stages, root / "shards")


def work_of(pipeline: Pipeline, stage: str, number: int, receipts: Path) -> Work:
    path = pipeline.path(stage, number)
    inputs = {
        name: (pipeline.path(name, number), columns) for name, columns in pipeline.inputs[stage].items()
    }
    receipt = receipts / stage / path.with_suffix(".json").name
    cache_key, shard = pipeline.cache_key(stage, number), pipeline.shard_path(stage, number)
    return Work(
        *(stage, number, path, shard, inputs, cache_key, receipt, 1, Limits(0, 0)),
        songs_root=pipeline.table.songs_root,
    )


def run_here(pipeline: Pipeline, receipts: Path) -> None:
    """What is missing of a pipeline, in this process."""
    for name, stage in pipeline.stages.items():
        for number in pipeline.missing(name):
            run_partition(stage, work_of(pipeline, name, number, receipts))


class Listen(Stage):
    """Opens a title as a list of letters and puts them together again."""

    name = "listen"
    version = 1
    reads = frozenset({"title", "duration_s"})
    writes = {"artist": TEXT}

    def open(self, song: Song) -> list[str]:
        if song["title"] == "closed":
            raise SongError(song.song_id, "source_gone", "made for the test")
        if song["title"] == "stuck":
            time.sleep(600)
        return list(song["title"])

    def one(self, song: Song) -> Song:
        return song.with_columns(artist="".join(self.opened(song)))


class Meet(Stage):
    """Goes on only once two workers are at work; the title is a folder in which each leaves its name."""

    name = "meet"
    version = 1
    reads = frozenset({"title"})
    writes = {"kept": FLAG}

    def one(self, song: Song) -> Song:
        folder = Path(song["title"])
        (folder / str(os.getpid())).touch()
        while len(list(folder.iterdir())) < 2:
            time.sleep(0.05)
        return song.with_columns(kept=True)


class Where(Stage):
    """Writes which interpreter it ran in, and a variable of its process."""

    name = "where"
    version = 1
    reads = frozenset({"title"})
    writes = {"artist": TEXT, "source": TEXT}
    packages = ("only-there",)

    def one(self, song: Song) -> Song:
        return song.with_columns(artist=sys.prefix, source=os.environ.get("MOOD"))


class Broken(Stage):
    """Its model shows only when it is loaded that it is damaged."""

    name = "broken"
    version = 1
    reads = frozenset({"duration_s"})
    writes = {"kept": FLAG}

    @cached_property
    def model(self) -> None:
        raise BadModel(
            "broken.weights: /w/model.pt cannot be loaded as a model; give the weights of example.org"
        )

    def one(self, song: Song) -> Song:
        return song.with_columns(kept=self.model is None)
