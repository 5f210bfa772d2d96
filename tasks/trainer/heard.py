"""What was generated while a run learns, as files in its folder: ``heard/step-000100/`` with a file a song and ``scores.json``, kept, read and forgotten.

Names come of step and place, so that a step that is run again after a kill writes the same files; scores are written last, and
say that what lies beside them is whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.storage.files import remove_tree, write_bytes, write_json

HEARD_NAME, SCORES_NAME = "heard", "scores.json"


@dataclass(frozen=True)
class HeardSong:
    """A validation song as the model generates it: its mix [C, N] at `rate_hz`, the same coded, its scores by name. Without a
    coded sound and with no score where the mix is not finite.
    """

    song_id: str
    mix_CN: np.ndarray
    rate_hz: int
    coded: bytes
    ending: str
    scores: Mapping[str, float | None]


@dataclass(frozen=True)
class KeptSong:
    """A song that was kept: of which step, the coded sound's file, its scores."""

    step: int
    song_id: str
    file: Path | None
    scores: Mapping[str, float | None]


def keep_heard(out: Path, step: int, songs: Sequence[HeardSong]) -> None:
    """Write the songs of a step into the run's folder."""
    folder = out / HEARD_NAME / f"step-{step:06d}"
    rows: list[dict[str, Any]] = []
    for number, song in enumerate(songs):
        name = f"{number:03d}.{song.ending}" if song.coded else None
        if name:
            write_bytes(folder / name, song.coded)
        rows.append({"song_id": song.song_id, "file": name, "scores": dict(song.scores)})
    write_json(folder / SCORES_NAME, {"step": step, "songs": rows})


def forget_heard(out: Path, step: int) -> None:
    """Take away what was kept of later steps: a run goes on from this one."""
    for folder in sorted((out / HEARD_NAME).glob("step-*")):
        if int(folder.name.rpartition("-")[2]) > step:
            remove_tree(folder)


def kept_songs(out: Path) -> list[KeptSong]:
    """What is kept in a run's folder, step after step, of each its songs in their order; a step without scores is not whole."""
    found = []
    for path in sorted((out / HEARD_NAME).glob(f"*/{SCORES_NAME}")):
        kept = json.loads(path.read_text())
        for row in kept["songs"]:
            file = path.with_name(row["file"]) if row["file"] else None
            found.append(KeptSong(kept["step"], row["song_id"], file, row["scores"]))
    return found
