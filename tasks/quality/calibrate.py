"""Calibrate: songs that someone labelled good or bad by kind, limits of filter and tiers chosen on them, and what those would drop."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from eval.stats.intervals import proportion
from tasks.engine.stage import Section
from tasks.quality.detected import DETECTED
from tasks.quality.limits import FilterParams, broken_limits
from tasks.quality.measures import MEASURES, Measure, Quality
from tasks.quality.tiers import AXIS_MEASURES, graded_values
from tasks.songs.manifest import manifest_rows

GOOD = "good"
LABELS = (GOOD, "bad")
BY_HAND = "rejected by hand"
LEAST_ROOM = 0.05


class CalibrateParams(Section):
    """`false_drop_share`: the share of good songs that each limit may drop. `room`: how much farther a limit lies, as a share of how far
    the farthest of the others is beyond their median: many limits, each at the edge of what few songs had, drop more than their share.
    """

    false_drop_share: float = Field(ge=0, lt=0.5)
    room: float = Field(ge=0)


@dataclass(frozen=True)
class Labelled:
    """A song someone judged. `kind` says what is wrong with a bad one; `quality` is None, with a `dropped`
    reason, where a stage before `check` dropped it.
    """

    song_id: str
    good: bool
    kind: str
    quality: Quality | None
    dropped: str | None = None


def choose_limits(
    songs: Sequence[Labelled],
    false_drop_share: float,
    measures: Sequence[Measure] = MEASURES,
    room: float = 0.0,
) -> dict[str, float]:
    """Every calibrated limit of these measures that these songs can tell, by its setting.

    A limit goes where at most this share of the good songs is beyond it, and from there half the way to the
    nearest bad song beyond: that one is still found, and good songs get room. Only the kinds of which most
    songs are beyond count for that; the others are for another measure to find. With `room` good songs get that much at the least
    (see `CalibrateParams`), and bad songs within it are not found by this limit.

    Raises:
        ValueError: there is no good song, or no bad one.
    """
    good = [song for song in songs if song.good]
    kinds = [of_kind for of_kind in _by_kind(songs) if not of_kind[0].good]
    if not good or not kinds:
        raise ValueError(
            "songs: calibration needs good and bad ones; label the manifest's rows `good` or `bad`"
        )
    limits = {}
    for measure in measures:
        for setting in measure.limits if measure.calibrated else ():
            sign = -1.0 if setting.startswith("min_") else 1.0
            values = sign * _values(measure, good)
            if not len(values):
                continue
            edge = float(np.quantile(values, 1 - false_drop_share, method="higher"))
            nearest = [_nearest_beyond(edge, sign * _values(measure, of_kind)) for of_kind in kinds]
            beyond = min((value for value in nearest if value is not None), default=edge)
            least = _room(room, edge, values)
            limits[setting] = _rounded(sign * (edge + max((beyond - edge) / 2, least)), setting)
    return limits


def tier_limits(
    songs: Sequence[Labelled], false_drop_share: float, below_a_share: float
) -> dict[str, dict[str, float]]:
    """Limits of the tiers on what detectors and judges measured: those of `b` as `choose_limits` chooses, those of `a` where each
    leaves this share of the good songs out, and no bad song counts.
    """
    measures = (*DETECTED, *AXIS_MEASURES)
    good = [song for song in songs if song.good]
    bad_as_nothing = Labelled("", False, "", None)
    best = choose_limits([*good, bad_as_nothing], below_a_share, measures)
    return {"a": best, "b": choose_limits(songs, false_drop_share, measures)}


def _room(room: float, edge: float, values: np.ndarray) -> float:
    """How far a limit lies beyond the edge at the least; with any room 5 % of the edge, since songs that are all at the end of a
    scale say nothing of its width.
    """
    return max(room * (edge - float(np.median(values))), LEAST_ROOM * abs(edge)) if room else 0.0


def _nearest_beyond(edge: float, values: np.ndarray) -> float | None:
    """The least value above the edge, where most are."""
    above = values[values > edge]
    return float(above.min()) if 2 * len(above) > len(values) else None


def _by_kind(songs: Sequence[Labelled]) -> list[list[Labelled]]:
    """The good songs and the bad ones of every kind, each in the order of their ids."""
    kinds: dict[tuple[bool, str], list[Labelled]] = {}
    for song in sorted(songs, key=lambda song: song.song_id):
        kinds.setdefault((song.good, "" if song.good else song.kind), []).append(song)
    return list(kinds.values())


def _rounded(limit: float, setting: str) -> float:
    """To four digits, away from the good songs."""
    if limit == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(limit))) - 3)
    steps = round(limit / step, 6)
    steps = math.floor(steps) if setting.startswith("min_") else math.ceil(steps)
    return float(f"{steps * step:.4g}")


def _values(measure: Measure, songs: Sequence[Labelled]) -> np.ndarray:
    values = [song.quality.get(measure.name) for song in songs if song.quality is not None]
    array = np.array([value for value in values if value is not None], float)
    return np.abs(array) if measure.by_size else array


def reason_of(song: Labelled, params: FilterParams) -> str | None:
    """Why the gate drops this song, or None."""
    if song.quality is None:
        return song.dropped
    return next(iter(broken_limits(song.quality, params)), None)


def cross_judged(
    songs: Sequence[Labelled], params: FilterParams, false_drop_share: float, room: float
) -> dict[str, str | None]:
    """Why the gate drops each song, by limits chosen on the other half of the songs.

    Every second song of each kind is in one half, so that no song is judged by limits it helped to choose.
    """
    halves: tuple[list[Labelled], list[Labelled]] = ([], [])
    for of_kind in _by_kind(songs):
        for place, song in enumerate(of_kind):
            halves[place % 2].append(song)
    judged = {}
    for mine, others in (halves, halves[::-1]):
        limits = params.model_copy(update=choose_limits(others, false_drop_share, room=room))
        judged.update({song.song_id: reason_of(song, limits) for song in mine})
    return judged


def labels_of(manifest: Path, songs_root: str) -> dict[str, tuple[bool, str]]:
    """Whether the song at each audio path (relative to the root) is good, and its kind.

    Raises:
        ValueError: it is no manifest, or a row has no label.
    """
    if not manifest.is_file():
        raise ValueError(
            f"songs: {manifest} is no manifest; give JSON lines with `audio_path`, `label` and perhaps `kind`"
        )
    labels = {}
    for number, row in manifest_rows(manifest):
        label = row.get("label") if isinstance(row, dict) else None
        if label not in LABELS:
            raise ValueError(f"{manifest.name}:{number}: label is {label!r}; give one of {', '.join(LABELS)}")
        path = os.path.realpath(manifest.parent / str(row.get("audio_path")))
        labels[os.path.relpath(path, songs_root)] = (label == GOOD, str(row.get("kind") or label))
    return labels


def labelled_songs(
    rows: Iterable[Mapping[str, Any]],
    labels: Mapping[str, tuple[bool, str]],
    by_hand: Mapping[str, bool] | None = None,
) -> list[Labelled]:
    """The songs of the manifest with what `check` measured; rows of `audio`, `content_hash` and `quality`,
    and of `detected` and `aesthetics` where they stand.

    `by_hand`: whether a person approved a song, by its content hash; that outweighs its label.
    """
    decided = {} if by_hand is None else by_hand
    found = []
    for row in rows:
        if row["audio"]["path"] not in labels:
            continue
        good, kind = labels[row["audio"]["path"]]
        quality = graded_values(row) if row.get("quality") else None
        approved = decided.get(row.get("content_hash") or "", good)
        kind = kind if approved == good else GOOD if approved else BY_HAND
        found.append(Labelled(row["song_id"], approved, kind, quality, row["drop_reason"]))
    return found


def drops_in_words(songs: Sequence[Labelled], judged: Mapping[str, str | None]) -> list[str]:
    """A line a kind: how many are dropped, with the interval, and for which reasons."""
    lines = []
    for kind in dict.fromkeys(song.kind for song in sorted(songs, key=lambda song: not song.good)):
        reasons = [judged[song.song_id] for song in songs if song.kind == kind]
        found = [reason for reason in reasons if reason is not None]
        share = proportion(len(found), len(reasons))
        listed = ", ".join(f"{reason} {found.count(reason)}" for reason in sorted(set(found)))
        lines.append(
            f"{kind}: {len(found)} of {share.n} dropped ({share.value:.1%}, 95 % interval "
            f"{share.low:.1%} to {share.high:.1%})" + (f"; {listed}" if listed else "")
        )
    return ["each song judged by limits chosen on the other half:", *lines]
