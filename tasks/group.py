"""Group: what the whole table says of each song: its near duplicates, its side of the split, a benchmark it is near.

The fit compares all songs and keeps one small file, ``group/neighbours.json``, which names only the songs that
have a neighbour or lie on another side than their own. What it says of a partition's songs is part of that
partition's fingerprint, so a new song re-runs no partition but its own and those of the songs it moves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tasks.audio import array_of
from tasks.engine.files import write_json
from tasks.engine.fingerprint import Recipe, differences, fingerprint
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.engine.table import Chain
from tasks.neighbours import Facts, GroupParams, Known, SplitParams, neighbours, own_split

NEIGHBOURS = "neighbours.json"
COMPARED = ("content_hash", "artist", "lyrics_hash", "lyrics_sketch", "audio_sketch")
FIT_VERSION = 1  # rises whenever the same songs and params give other facts


class Group(Stage):
    """Writes down what the fit found; a song it does not name is alone and on its own side."""

    name = "group"
    version = 1
    reads = frozenset({"artist", "content_hash", "lyrics_hash"})
    writes = frozenset({"duplicate_group", "split", "duplicate_of", "near_benchmark"})

    def __init__(self, params: GroupParams, table_root: str) -> None:
        """Only the shares enter the fingerprint; the limits of nearness do by what they change."""
        self.params: SplitParams
        super().__init__(SplitParams(**params.model_dump(include=set(SplitParams.model_fields))))
        self.table_root = table_root

    @cached_property
    def found(self) -> dict[str, dict[str, Any]]:
        """Facts by song id, as the fit that stands has them; read once a worker."""
        path = neighbours_path(Path(self.table_root))
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


def fit_neighbours(chain: Chain, guarded: Chain | None, params: GroupParams, max_shingles: int) -> None:
    """Compare all songs of the table, and those of a given benchmark, unless exactly this fit stands.

    Raises:
        ValueError: a stage before `group` has not run.
    """
    names = list(chain.stages)
    before = names[: names.index(Group.name)]
    if absent := [stage for stage in before if chain.missing(stage)]:
        raise ValueError(f"stage {Group.name} needs {', '.join(absent)}, which has not run; run it first")
    path, recipe = neighbours_path(chain.table.root), fit_recipe(chain, guarded, params)
    if path.is_file() and json.loads(path.read_text())["recipe"] == recipe:
        return
    rows = chain.rows(COMPARED, until=before[-1])
    guard_rows = guarded.rows(COMPARED) if guarded else []
    songs = [_known(row) for row in rows]
    guards = [_known(row) for row in guard_rows if row["drop_reason"] != "source_gone"]

    def styles(song_ids: Sequence[str]) -> dict[str, np.ndarray]:
        found = _styles(chain, rows, song_ids)
        return {**_styles(guarded, guard_rows, song_ids), **found} if guarded else found

    facts = neighbours(songs, guards, params, max_shingles, styles)
    told = {
        song.song_id: asdict(fact)
        for song in songs
        if (fact := facts[song.song_id])
        != Facts(song.song_id, own_split(song.artist, song.lyrics_hash, song.content_hash, params))
    }
    write_json(path, {"recipe": recipe, "songs": told})


def why_compare(chain: Chain, params: GroupParams) -> list[str]:
    """Why the songs would be compared again, as readable lines; empty when the fit stands."""
    path = neighbours_path(chain.table.root)
    if not path.is_file():
        return ["never compared"]
    recipe = fit_recipe(chain, None, params)  # the benchmark is not listed only to look
    return differences({**json.loads(path.read_text())["recipe"], "benchmark": None}, recipe)


def fit_recipe(chain: Chain, guarded: Chain | None, params: GroupParams) -> Recipe:
    """All that decides a fit."""
    return {
        "version": FIT_VERSION,
        "params": params.model_dump(mode="json", exclude={"benchmark_manifest"}),
        "songs": _made_from(chain),
        "benchmark": _made_from(guarded) if guarded else None,
    }


def _made_from(chain: Chain) -> str:
    """One hash of everything the stages before `group` made."""
    names = list(chain.stages)
    before = names[: names.index(Group.name)] if Group.name in names else names
    return fingerprint([chain.fingerprint(stage, number) for number in chain.partitions for stage in before])


def _known(row: dict[str, Any]) -> Known:
    return Known(
        row["song_id"],
        row["content_hash"],
        row["artist"],
        row["lyrics_hash"],
        None if row["lyrics_sketch"] is None else array_of(row["lyrics_sketch"]),
        None if row["audio_sketch"] is None else array_of(row["audio_sketch"]),
        row["drop_reason"] is not None,
    )


def _styles(chain: Chain, rows: list[dict[str, Any]], song_ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Style embeddings [n, 512] of these songs; only their partitions are read."""
    wanted = set(song_ids)
    numbers = sorted({row["partition"] for row in rows if row["song_id"] in wanted})
    return {
        row["song_id"]: np.asarray(row["style_embedding"], np.float32)
        for row in chain.rows(["style_embedding"], numbers=numbers)
        if row["song_id"] in wanted and row["style_embedding"] is not None
    }
