"""Group: what the whole table says of each song (a fit): its near duplicates and who is the keeper, its side of the split, a benchmark it is near.

The fit compares all songs. It says something only of songs that have a neighbour or lie on another side than their
own, so a new song re-runs no partition but its own and those of the songs it moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.audio.read import array_of
from tasks.dedup.near_duplicates import Facts, GroupParams, neighbours
from tasks.dedup.sides import TRAIN, Known, SplitParams, own_split
from tasks.engine.columns import Column
from tasks.engine.fingerprint import stage_cache_key
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage, WholeTable
from tasks.engine.table import GONE

COMPARED = frozenset({"content_hash", "artist", "lyrics_hash", "lyrics_shingles", "audio_landmarks"})
STYLE = "style_embedding"  # read only of songs that the others leave in doubt


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

    fit_version = 1

    def __init__(self, params: GroupParams, max_shingles: int, keeper: Stage | None = None) -> None:
        """Only the shares enter the fingerprint; the limits of nearness do by what they change.

        Args:
            max_shingles: where the lyrics sketches were cut.
            keeper: the stage that will drop songs for what they are; of near duplicates one stays that it keeps.
        """
        self.params: SplitParams
        super().__init__(SplitParams(**params.model_dump(include=set(SplitParams.model_fields))))
        self.nearness, self.max_shingles, self.keeper = params, max_shingles, keeper
        self.kept_by = keeper.reads - self.writes.keys() if keeper else frozenset()

    @property
    def fit_reads(self) -> frozenset[str]:
        """What is compared, and what the keeper reads."""
        return COMPARED | {STYLE} | self.kept_by

    @property
    def fit_facts(self) -> dict[str, Any]:
        """The limits of nearness, and all that the keeper goes by."""
        return {
            "params": self.nearness.model_dump(mode="json", exclude={"benchmark_manifest"}),
            "keeper": stage_cache_key(self.keeper) if self.keeper else None,
        }

    def fit(self, table: WholeTable, reference: WholeTable | None) -> dict[str, Any]:
        """Facts of the songs that are not alone on their own side; `reference`: the songs of a given benchmark."""

        def songs(ids: Collection[str] | None) -> Iterator[Known]:
            return self._known(table, ids, self.keeper)

        def guards(ids: Collection[str] | None) -> Iterator[Known]:
            return self._known(reference, ids, None) if reference else iter(())

        def styles(song_ids: Sequence[str]) -> dict[str, np.ndarray]:
            found = _styles(table, song_ids)
            return {**_styles(reference, song_ids), **found} if reference else found

        found = neighbours(songs, guards, self.nearness, self.max_shingles, styles)
        own_sides = (own_split(s.artist, s.lyrics_hash, s.content_hash, self.params) for s, _ in found)
        return {
            song.song_id: asdict(facts)
            for (song, facts), own_side in zip(found, own_sides, strict=True)
            if facts != Facts(song.song_id, own_side)
        }

    def one(self, song: Song) -> Song:
        """The song with its facts."""
        if song.fitted is not None:
            return song.with_columns(**song.fitted)
        side = own_split(song["artist"], song["lyrics_hash"], song["content_hash"], self.params)
        return song.with_columns(**asdict(Facts(song.song_id, side)))

    def _known(self, table: WholeTable, ids: Collection[str] | None, keeper: Stage | None) -> Iterator[Known]:
        """What is known of every song, or of these, partition after partition; of a vanished song nothing is."""
        for row in table.rows(COMPARED | self.kept_by if keeper else COMPARED, ids):
            if row["drop_reason"] == GONE:
                continue
            dropped = row["drop_reason"] is not None
            yield Known(
                row["song_id"],
                row["content_hash"],
                row["artist"],
                row["lyrics_hash"],
                None if row["lyrics_shingles"] is None else array_of(row["lyrics_shingles"]),
                None if row["audio_landmarks"] is None else array_of(row["audio_landmarks"]),
                dropped or (keeper is not None and _refuses(keeper, row, self.kept_by)),
            )


def _refuses(keeper: Stage, row: Mapping[str, Any], needed: Collection[str]) -> bool:
    """Whether this stage would drop the song, were it a training song that repeats no other."""
    columns = {name: row[name] for name in needed} | asdict(Facts(row["song_id"], TRAIN))
    try:
        keeper.one(Song(row["song_id"], columns))
    except SongError:
        return True
    return False


def _styles(table: WholeTable, song_ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Mean style embeddings [1, 512] of these songs; only their partitions are read."""
    return {
        row["song_id"]: np.mean(np.asarray(row[STYLE], np.float32), axis=0, keepdims=True)
        for row in table.rows([STYLE], set(song_ids))
        if row[STYLE] is not None
    }
