"""Songs that someone labelled good or bad: their labels from a manifest, and what the gate's limits drop of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.stats.intervals import proportion
from tasks.quality.calibrate import GOOD, Labelled
from tasks.songs.manifest import manifest_rows

LABELS = (GOOD, "bad")


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
    rows: Iterable[Mapping[str, Any]], labels: Mapping[str, tuple[bool, str]]
) -> list[Labelled]:
    """The songs of the manifest with what `check` measured; rows of `audio` and `quality`."""
    return [
        Labelled(row["song_id"], *labels[row["audio"]["path"]], row.get("quality"), row["drop_reason"])
        for row in rows
        if row["audio"]["path"] in labels
    ]


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
