"""Group: the fit over a whole table, and what of it each partition is told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from tasks.audio.read import npy_bytes
from tasks.dedup.near_duplicates import GroupParams
from tasks.dedup.shingles import shingles
from tasks.engine.limits import Limits
from tasks.engine.pipeline import Pipeline
from tasks.engine.run_partition import Work, run_partition
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Section, Stage
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.stages.dedup_features import DedupFeatures
from tasks.stages.filter import Filter
from tasks.stages.group import Group
from tasks.stages.style import Style
from tests.tasks.dedup.test_near_duplicates import PARAMS

TUNE = "a wild heart will follow every river under the open morning star"


class Nothing(Section):
    pass


class Heard(Stage):
    """Stands for all stages before: the title is what is sung; ``drop`` in front drops the song."""

    name = "heard"
    version = 1
    reads = frozenset({"title"})
    writes = {**DedupFeatures.writes, "style_embedding": Style.writes["style_embedding"]}

    def one(self, song: Song) -> Song:
        words = song["title"].split()
        if words[0] == "gone":
            raise SongError(song.song_id, "too_short")
        return song.with_columns(
            lyrics_hash=hashlib.sha256(f"words {' '.join(words)}".encode()).hexdigest(),
            lyrics_shingles=npy_bytes(shingles(words, 3, 512)),
            audio_landmarks=npy_bytes(np.empty(0, np.int64)),
            style_embedding=[[1.0, 0.0]],
        )


def source(title: str, artist: str | None = None) -> Source:
    content_hash = hashlib.sha256(title.encode()).hexdigest()
    facts = {"title": title, "content_hash": content_hash, "artist": artist}
    return Source(f"song-{content_hash[:8]}", f"{len(title):04d} {content_hash}", facts)


def other_songs(first: int, count: int) -> list[Source]:
    return [
        source(" ".join(f"{word}{number}" for word in TUNE.split())) for number in range(first, first + count)
    ]


class Prepared:
    """A table in partitions of two, run in this process."""

    def __init__(self, root: Path, name: str = "table") -> None:
        self.root, self.table = root, Table(root / name, SONG_COLUMNS)
        self.listed: list[Source] = []

    def add(self, sources: list[Source]) -> None:
        self.listed += sources
        self.table.admit(self.listed, 2, fewest=1)

    def pipeline(
        self,
        guarded: Pipeline | None = None,
        params: GroupParams = PARAMS,
        keeper: Stage | None = None,
    ) -> Pipeline:
        references = {"group": guarded} if guarded else {}
        return Pipeline(self.table, [Heard(Nothing()), Group(params, 512, keeper)], references=references)

    def run(
        self, guarded: Pipeline | None = None, params: GroupParams = PARAMS, keeper: Stage | None = None
    ) -> set[tuple[str, int]]:
        """All stages brought up to date; returns the (stage, partition) that ran."""
        pipeline = self.pipeline(guarded, params, keeper)
        ran = run(pipeline, "heard", self.root)
        if pipeline.why_fit("group"):
            pipeline.fit("group")
        return ran | run(pipeline, "group", self.root)

    def rows(self) -> dict[str, dict]:
        columns = [*Group.writes, "title"]
        return {row["title"]: row for row in self.pipeline().rows(columns)}


def run(pipeline: Pipeline, stage: str, root: Path) -> set[tuple[str, int]]:
    missing = pipeline.missing(stage)
    for number in missing:
        inputs = {
            name: (pipeline.path(name, number), columns) for name, columns in pipeline.inputs[stage].items()
        }
        path, cache_key = pipeline.path(stage, number), pipeline.cache_key(stage, number)
        work = Work(stage, number, path, None, inputs, cache_key, root / "receipt.json", 1, Limits(0, 0))
        run_partition(pipeline.stages[stage], work)
    for path in pipeline.superseded(stage):
        path.unlink()
    return {(stage, number) for number in missing}


def test_a_repeated_song_is_written_down_and_the_others_are_alone(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path)
    prepared.add([source(TUNE), source(f"{TUNE} oh yes"), *other_songs(0, 3)])
    prepared.run()
    rows = prepared.rows()
    first, repeat = rows[TUNE], rows[f"{TUNE} oh yes"]
    assert repeat["duplicate_of"] == repeat["duplicate_group"] == first["song_id"]
    assert repeat["split"] == first["split"]
    alone = [row for title, row in rows.items() if not title.startswith(TUNE)]
    assert all(row["duplicate_group"] == row["song_id"] and row["duplicate_of"] is None for row in alone)
    told = json.loads(prepared.pipeline().fit_path("group").read_text())["songs"]
    assert repeat["song_id"] in told and not {row["song_id"] for row in alone} & told.keys()


def test_new_songs_run_only_their_own_partitions(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path)
    prepared.add([source(TUNE), *other_songs(0, 5)])
    assert prepared.run() == {(stage, number) for stage in ("heard", "group") for number in range(3)}
    before = {path.name for path in (tmp_path / "table/group").glob("part-*")}
    prepared.add([source(f"{TUNE} again"), *other_songs(9, 1)])
    assert prepared.run() == {("heard", 3), ("group", 3)}
    assert before < {path.name for path in (tmp_path / "table/group").glob("part-*")}
    assert prepared.rows()[f"{TUNE} again"]["duplicate_of"] == prepared.rows()[TUNE]["song_id"]
    assert prepared.run() == set()


def test_only_partitions_whose_songs_changed_run_again(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path)
    prepared.add([source(TUNE), source(f"{TUNE} oh yes"), *other_songs(0, 4)])
    prepared.run()
    number = prepared.rows()[f"{TUNE} oh yes"]["partition"]
    strict = PARAMS.model_copy(update={"min_words": 1.01, "min_words_with_style": 1.01})
    assert prepared.run(params=strict) == {("group", number)}
    assert prepared.rows()[f"{TUNE} oh yes"]["duplicate_of"] is None
    assert len(list((tmp_path / "table/group").glob("*.json"))) == 1


def test_a_dropped_song_is_no_reason_to_drop_its_copy(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path)
    prepared.add([source(f"gone {TUNE}"), source(f"{TUNE} again and again")])
    prepared.run()
    rows = prepared.rows()
    assert rows[f"gone {TUNE}"]["drop_reason"] == "too_short" and rows[f"gone {TUNE}"]["split"] is None
    assert rows[f"{TUNE} again and again"]["duplicate_of"] is None


class Picky(Stage):
    """Drops a song that is too short, and would drop every duplicate and benchmark song."""

    name = "picky"
    version = 1
    reads = frozenset({"title", "split", "duplicate_of"})
    writes = {"kept": Filter.writes["kept"]}

    def one(self, song: Song) -> Song:
        if song["duplicate_of"] or song["split"] != "train" or len(song["title"].split()) < 13:
            raise SongError(song.song_id, "refused")
        return song.with_columns(kept=True)


def test_of_copies_one_stays_that_the_filter_will_keep(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path)
    prepared.add([source(TUNE), source(f"{TUNE} again and again"), source(f"{TUNE} and then once more")])
    prepared.run()
    assert prepared.rows()[f"{TUNE} again and again"]["duplicate_of"] == prepared.rows()[TUNE]["song_id"]
    prepared.run(keeper=Picky(Nothing()))
    rows = prepared.rows()
    stays = rows[f"{TUNE} again and again"]
    assert stays["duplicate_of"] is None
    assert rows[f"{TUNE} and then once more"]["duplicate_of"] == stays["song_id"]
    assert len({row["duplicate_group"] for row in rows.values()}) == 1
    assert prepared.pipeline(keeper=Picky(Nothing())).why_fit("group") == []
    assert [line.split(":")[0] for line in prepared.pipeline().why_fit("group")] == ["keeper"]


def test_songs_near_a_given_benchmark_are_marked(tmp_path: Path) -> None:
    guarded = Prepared(tmp_path, "guarded")
    guarded.add([source(f"{TUNE} tonight")])
    run(guarded.pipeline(), "heard", tmp_path)
    pipeline = Pipeline(guarded.table, [Heard(Nothing())])
    prepared = Prepared(tmp_path)
    prepared.add([source(TUNE), *other_songs(0, 5)])
    prepared.run()
    ran = prepared.run(pipeline)
    marked = {title: row["near_benchmark"] for title, row in prepared.rows().items() if row["near_benchmark"]}
    assert marked == {TUNE: guarded.listed[0].song_id}
    assert ran == {("group", prepared.rows()[TUNE]["partition"])}
