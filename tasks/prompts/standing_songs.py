"""What stands in jamify's output folder from earlier calls (`read_earlier`: rows, metadata, latents), and the names that are free beside it (`free_name`).

A song keeps the name it was first written by. Another one of the same id and number, of another seed, say, is another take and gets a
name of its own: ``<id>.take2.mp3``. Neither a file nor a row of one that stands is overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from tasks.audio.mix import Ending

AUDIO, LATENT = "generated_audio_path", "cfm_latent_path"
FOLDERS = {AUDIO: "generated", LATENT: "cfm_latents"}


@dataclass(frozen=True)
class EarlierSongs:
    """`rows` of the songs whose sound stands; `note`: what to say of a metadata file that could not be read, else None."""

    rows: Sequence[Mapping[str, Any]]
    note: str | None = None

    def same(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The row of the same song: its id, its number, and what it was made from."""
        return next((one for one in self.rows if _identity(one) == _identity(row)), None)

    def others(self, taken: Collection[str]) -> list[Mapping[str, Any]]:
        """The rows of those whose sound is none of the paths `taken`."""
        return [row for row in self.rows if row[AUDIO] not in taken]


def read_earlier(root: Path, path: Path) -> EarlierSongs:
    """The earlier rows of the metadata at `path` whose sound stands below `root`.

    A file that is no such metadata is renamed to the first free ``<stem>.unread<n>.json``, so that it is not overwritten.
    """
    if not path.is_file():
        return EarlierSongs([])
    try:
        rows = _checked(json.loads(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        aside = next(
            one for n in count(1) if not (one := path.with_name(f"{path.stem}.unread{n}.json")).exists()
        )
        path.rename(aside)
        return EarlierSongs(
            [], f"{path.name} was none of ours ({_first_line(error)}); it is kept as {aside.name}"
        )
    return EarlierSongs([row for row in rows if not row["drop_reason"] and (root / row[AUDIO]).is_file()])


def free_name(root: Path, name: str, ending: Ending, sound: bytes, latents: bytes) -> str:
    """`name`, or ``<name>.take2``, ``.take3`` ...: the first under which neither another sound nor another's latents stand."""
    takes = (name if number == 1 else f"{name}.take{number}" for number in count(1))
    return next(one for one in takes if _is_free(root, one, ending, sound, latents))


def paths_of(name: str, ending: Ending) -> dict[str, str]:
    """Where a song of this name has its sound and its latents, below the output folder."""
    return {AUDIO: f"{FOLDERS[AUDIO]}/{name}.{ending}", LATENT: f"{FOLDERS[LATENT]}/{name}.pt"}


def holds(path: Path, data: bytes) -> bool:
    """Whether the file stands with exactly these bytes."""
    return path.is_file() and path.read_bytes() == data


def in_order(row: Mapping[str, Any]) -> tuple[str, int, int, str]:
    """The place of a row in the metadata: by id, number and take."""
    path = row.get(AUDIO, "")
    return row["sample_id"], row["generation_index"], len(path), path


def _is_free(root: Path, name: str, ending: Ending, sound: bytes, latents: bytes) -> bool:
    paths = {one: paths_of(name, one) for one in get_args(Ending)}
    standing = [one for one, path in paths.items() if (root / path[AUDIO]).exists()]
    if ending in standing and not holds(root / paths[ending][AUDIO], sound):
        return False
    latent = root / paths[ending][LATENT]
    return not standing or not latent.exists() or holds(latent, latents)


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["sample_id"], row["generation_index"], row.get("made_from")


def _checked(rows: Any) -> list[dict[str, Any]]:
    if not isinstance(rows, list):
        raise ValueError("no list of songs")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or "drop_reason" not in row:
            raise ValueError(f"row {number} is no song of generate")
        if row["drop_reason"]:
            continue
        if not (isinstance(row.get("sample_id"), str) and type(row.get("generation_index")) is int):
            raise ValueError(f"row {number} has no sample_id and generation_index")
        for key, folder in FOLDERS.items():
            parts = PurePosixPath(row[key]).parts if isinstance(row.get(key), str) else ()
            if len(parts) != 2 or parts[0] != folder or parts[1] == ".." or "\0" in parts[1]:
                raise ValueError(f"{key} of row {number} is no file in {folder}/")
    return rows


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
