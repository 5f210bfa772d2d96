"""The comparing behind "Does it copy?" (`copies_in`): generated songs of the benchmark held against the training songs and as many held-out ones.

What was sung is taken as it was transcribed, never as it was asked for. A match with the song that was asked for, or one of
its near duplicates, is no copy of anything learned and is left aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from eval.results.copies import Copies, CopyRow
from eval.stats.intervals import Estimate, Resampling, paired_mean_difference, proportion
from tasks.audio.read import array_of
from tasks.benchmark.report import Mixes
from tasks.benchmark.song_metrics import SongMeasures
from tasks.dedup.copies import Sketched, near_references
from tasks.dedup.landmarks import landmarks
from tasks.dedup.near_duplicates import GroupParams
from tasks.dedup.shingles import shingles
from tasks.dedup.sides import TRAIN
from tasks.engine.fingerprint import fingerprint
from tasks.engine.stage import Section
from tasks.stages.dedup_features import DedupFeaturesParams

REFERENCE_COLUMNS = ("lyrics_shingles", "audio_landmarks", "style_embedding")


class CopyParams(Section):
    """`check`: of which models songs are held against the training songs; ``foreign``: those whose training began with weights
    from elsewhere. `max_share`: of a system's songs, near a training song; more, and `jam export hub` refuses; null: no limit.
    """

    check: Literal["never", "foreign", "always"]
    max_share: float | None = Field(ge=0, le=1)

    def is_on(self, began_elsewhere: bool) -> bool:
        """Whether a benchmark looks."""
        return self.check == "always" or (self.check == "foreign" and began_elsewhere)


@dataclass(frozen=True)
class References:
    """The ids of what songs are held against: all training songs, and equally many of them and of held-out ones; the group of
    near duplicates of every song.
    """

    training: frozenset[str]
    drawn: frozenset[str]
    held_out: frozenset[str]
    group_of: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> References:
        """From the rows of a prepared table: its kept songs, drawn by the hash of their ids."""
        kept = [row for row in rows if not row["drop_reason"]]
        groups = {row["song_id"]: row["duplicate_group"] for row in kept}
        training = sorted((row["song_id"] for row in kept if row["split"] == TRAIN), key=fingerprint)
        held_out = sorted((row["song_id"] for row in kept if row["split"] != TRAIN), key=fingerprint)
        count = min(len(training), len(held_out))
        return cls(frozenset(training), frozenset(training[:count]), frozenset(held_out[:count]), groups)

    @property
    def all(self) -> frozenset[str]:
        """Every id."""
        return self.training | self.held_out


def copies_in(
    systems: Mapping[str, Sequence[SongMeasures]],
    mixes: Mixes,
    references: References,
    rows: Iterable[Mapping[str, Any]],
    nearness: GroupParams,
    sketches: DedupFeaturesParams,
    params: CopyParams,
    resampling: Resampling,
) -> Copies:
    """What of each system's songs is near a reference. `rows`: of all `references`, with `REFERENCE_COLUMNS`."""
    songs = [song for one in systems.values() for song in one]
    generated = [_generated(song, mixes, sketches) for song in songs if _is_whole(song)]
    near = near_references(generated, map(_reference, rows), nearness, sketches.max_shingles)
    found = [_row(name, one, near, references, resampling) for name, one in systems.items()]
    return Copies(len(references.training), len(references.drawn), params.max_share, found)


def _row(
    name: str,
    songs: Sequence[SongMeasures],
    near: set[tuple[str, str]],
    references: References,
    resampling: Resampling,
) -> CopyRow:
    heard = [song.row for song in songs if _is_whole(song)]
    num_failed = len(songs) - len(heard)
    group_of = references.group_of
    beside: list[set[str]] = []
    for row in heard:
        met = {other for song_id, other in near if song_id == row["song_id"]}
        beside.append({other for other in met if group_of[other] != group_of[row["parent"]]})

    def share(ids: frozenset[str]) -> tuple[Estimate, list[float]]:
        hits = [float(bool(met & ids)) for met in beside]
        if not ids:
            return Estimate(None, None, None, 0, num_failed, reason="there is no such song"), hits
        return replace(proportion(int(sum(hits)), len(hits)), n_failed=num_failed), hits

    of_training, _ = share(references.training)
    of_drawn, drawn = share(references.drawn)
    of_held_out, held_out = share(references.held_out)
    difference = of_drawn
    if references.drawn:
        difference = replace(paired_mean_difference(drawn, held_out, resampling), n_failed=num_failed)
    named = [
        (row["parent"], other)
        for row, met in zip(heard, beside, strict=True)
        for other in sorted(met & references.training)
    ]
    return CopyRow(name, of_training, of_drawn, of_held_out, difference, named)


def _is_whole(song: SongMeasures) -> bool:
    """Whether all is there that nearness goes by; else the song counts as failed, never as no copy."""
    return song.has_sound and song.row.get("transcript") is not None and bool(song.row.get("style_embedding"))


def _generated(song: SongMeasures, mixes: Mixes, params: DedupFeaturesParams) -> Sketched:
    row = song.row
    words = row["transcript"] or []
    return Sketched(
        row["song_id"],
        shingles(words, params.shingle_words, params.max_shingles),
        landmarks(mixes(row["song_id"]), params.max_landmarks),
        _style(row),
    )


def _reference(row: Mapping[str, Any]) -> Sketched:
    def sketch(name: str) -> np.ndarray | None:
        return None if row[name] is None else array_of(row[name])

    return Sketched(row["song_id"], sketch("lyrics_shingles"), sketch("audio_landmarks"), _style(row))


def _style(row: Mapping[str, Any]) -> np.ndarray | None:
    crops = row.get("style_embedding")
    return None if crops is None or not len(crops) else np.asarray(crops, np.float32)
