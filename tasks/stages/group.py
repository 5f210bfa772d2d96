"""Group: what the whole table says of each song: its near duplicates, its side of the split, a benchmark it is near.

The fit compares all songs and keeps one small file, ``group/neighbours.json``, which names only the songs that
have a neighbour or lie on another side than their own. What it says of a partition's songs is part of that
partition's fingerprint, so a new song re-runs no partition but its own and those of the songs it moves.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.audio.read import array_of
from tasks.dedup.near_duplicates import TRAIN, Facts, GroupParams, Known, SplitParams, neighbours, own_split
from tasks.engine.columns import Column
from tasks.engine.fingerprint import CacheKey, differences, fingerprint, stage_cache_key
from tasks.engine.pipeline import Pipeline
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.storage.files import write_json
from tasks.storage.object_store import place_of

NEIGHBOURS = "neighbours.json"
COMPARED = ("content_hash", "artist", "lyrics_hash", "lyrics_sketch", "audio_sketch")
GONE = "source_gone"
FIT_VERSION = 1  # rises whenever the same songs and params give other facts


class Group(Stage):
    """Writes down what the fit found; a song it does not name is alone and on its own side."""

    name = "group"
    version = 1
    reads = frozenset({"artist", "content_hash", "lyrics_hash"})
    writes = {
        "duplicate_group": Column(pa.string(), "the earliest song of its near duplicates; itself when alone"),
        "split": Column(
            pa.string(), "train, validation or benchmark, by artist and near duplicates, never by partition"
        ),
        "duplicate_of": Column(pa.string(), "the earlier song that it repeats; null = none"),
        "near_benchmark": Column(pa.string(), "the song of the given benchmark that it is near; null = none"),
    }

    def __init__(self, params: GroupParams, table_root: str) -> None:
        """Only the shares enter the fingerprint; the limits of nearness do by what they change."""
        self.params: SplitParams
        super().__init__(SplitParams(**params.model_dump(include=set(SplitParams.model_fields))))
        self.table_root = table_root

    @cached_property
    def found(self) -> dict[str, dict[str, Any]]:
        """Facts by song id, as the fit that stands has them; read once a worker."""
        path = neighbours_path(place_of(self.table_root))
        return json.loads(path.read_text())["songs"] if path.is_file() else {}

    def facts_of(self, song_ids: Sequence[str]) -> dict[str, Any]:
        """What the fit says of these songs."""
        return {song_id: self.found[song_id] for song_id in song_ids if song_id in self.found}

    def one(self, song: Song) -> Song:
        """The song with its facts."""
        facts = self.found.get(song.song_id)
        if facts is None:
            side = own_split(song["artist"], song["lyrics_hash"], song["content_hash"], self.params)
            facts = asdict(Facts(song.song_id, side))
        return song.with_columns(**facts)


def neighbours_path(table_root: Path) -> Path:
    """Where the fit of a table stands."""
    return table_root / Group.name / NEIGHBOURS


def fit_neighbours(
    pipeline: Pipeline,
    guarded: Pipeline | None,
    params: GroupParams,
    max_shingles: int,
    keeper: Stage | None = None,
) -> None:
    """Compare all songs of the table, and those of a given benchmark, unless exactly this fit stands.

    Args:
        guarded: the songs of the benchmark, through the stages that write what is compared.
        max_shingles: where the lyrics sketches were cut.
        keeper: the stage that will drop songs for what they are; of near duplicates one stays that it keeps.

    Raises:
        ValueError: a stage before `group` has not run.
    """
    names = list(pipeline.stages)
    before = names[: names.index(Group.name)]
    if absent := [stage for stage in before if pipeline.missing(stage)]:
        raise ValueError(f"stage {Group.name} needs {', '.join(absent)}, which has not run; run it first")
    path, cache_key = neighbours_path(pipeline.table.root), fit_cache_key(pipeline, guarded, params, keeper)
    if path.is_file() and json.loads(path.read_text())["cache_key"] == cache_key:
        return
    songs = _known(pipeline, before[-1], keeper)
    guards = _known(guarded, list(guarded.stages)[-1], None) if guarded else []

    def styles(song_ids: Sequence[str]) -> dict[str, np.ndarray]:
        found = _styles(pipeline, song_ids)
        return {**_styles(guarded, song_ids), **found} if guarded else found

    facts = neighbours(songs, guards, params, max_shingles, styles)
    told = {
        song.song_id: asdict(fact)
        for song in songs
        if (fact := facts[song.song_id])
        != Facts(song.song_id, own_split(song.artist, song.lyrics_hash, song.content_hash, params))
    }
    write_json(path, {"cache_key": cache_key, "songs": told})


def why_compare(pipeline: Pipeline, params: GroupParams, keeper: Stage | None = None) -> list[str]:
    """Why the songs would be compared again, as readable lines; empty when the fit stands."""
    path = neighbours_path(pipeline.table.root)
    if not path.is_file():
        return ["never compared"]
    cache_key = fit_cache_key(pipeline, None, params, keeper)  # the benchmark is not listed only to look
    return differences({**json.loads(path.read_text())["cache_key"], "benchmark": None}, cache_key)


def fit_cache_key(
    pipeline: Pipeline, guarded: Pipeline | None, params: GroupParams, keeper: Stage | None = None
) -> CacheKey:
    """All that decides a fit."""
    return {
        "version": FIT_VERSION,
        "params": params.model_dump(mode="json", exclude={"benchmark_manifest"}),
        "songs": _made_from(pipeline),
        "benchmark": _made_from(guarded) if guarded else None,
        "keeper": stage_cache_key(keeper) if keeper else None,
    }


def _made_from(pipeline: Pipeline) -> str:
    """One hash of everything the stages before `group` made."""
    names = list(pipeline.stages)
    before = names[: names.index(Group.name)] if Group.name in names else names
    return fingerprint(
        [pipeline.fingerprint(stage, number) for number in pipeline.partitions for stage in before]
    )


def _known(pipeline: Pipeline, until: str, keeper: Stage | None) -> list[Known]:
    """What is known of every song, partition after partition; of a vanished song nothing is."""
    needed = keeper.reads - Group.writes.keys() if keeper else frozenset()
    return [
        Known(
            row["song_id"],
            row["content_hash"],
            row["artist"],
            row["lyrics_hash"],
            None if row["lyrics_sketch"] is None else array_of(row["lyrics_sketch"]),
            None if row["audio_sketch"] is None else array_of(row["audio_sketch"]),
            row["drop_reason"] is not None or (keeper is not None and _refuses(keeper, row, needed)),
        )
        for number in pipeline.partitions
        for row in pipeline.rows({*COMPARED, *needed}, until, [number])
        if row["drop_reason"] != GONE
    ]


def _refuses(keeper: Stage, row: Mapping[str, Any], needed: Collection[str]) -> bool:
    """Whether this stage would drop the song, were it a training song that repeats no other."""
    columns = {name: row[name] for name in needed} | asdict(Facts(row["song_id"], TRAIN))
    try:
        keeper.one(Song(row["song_id"], columns))
    except SongError:
        return True
    return False


def _styles(pipeline: Pipeline, song_ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Style embeddings [n, 512] of these songs; only their partitions are read."""
    wanted = set(song_ids)
    numbers = [n for n, part in pipeline.partitions.items() if wanted & {s.song_id for s in part.sources}]
    return {
        row["song_id"]: np.asarray(row["style_embedding"], np.float32)
        for number in numbers
        for row in pipeline.rows(["style_embedding"], numbers=[number])
        if row["song_id"] in wanted and row["style_embedding"] is not None
    }
