"""Which samples a folder of shards holds, and where: ``index.json`` (the shards, their symbols), ``ids.jsonl`` (songs), members of the tar, weights.

A stranger may have written them, so their form is checked before a name in them is used.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jam_model.controls.known import MEMBERS
from jam_model.part_styles.parts import PART_STYLES
from jam_model.tensors import MAX_MEMBER_BYTES, Buffer
from jam_model.words import PHONES

INDEX_NAME = "index.json"
IDS_NAME = "ids.jsonl"
TRAIN, VALIDATION = "train", "validation"
SUFFIXES = {
    "latent.pt": "latent",
    "latent.npy": "latent",
    "style.pt": "style",
    "style.npy": "style",
    "json": "json",
}
KINDS = ("latent", "style", "json")
"""Every sample has one member of each."""
MASKED, MASKED_MEMBER = "masked", "masked.json"
EXTRAS = {"language": "language.json", MASKED: MASKED_MEMBER, PHONES: "phones.json"}
BEATS = "beats_s"
EXTRAS |= {"chords": "chords.npy", "melody": "melody.npy", "drums": "drums.npy", "sketch": "audio.npy"}
EXTRAS |= {PART_STYLES: "part_styles.npy", BEATS: "beats.json", "sections": "sections.json"}
"""What a sample may hold beside them: a column of the song table, and the suffix of the member it stands in, JSON or
(``.npy``) an array. `pack.extras` names those to write; a reader that does not ask for one passes it over. `masked`, the
seconds that no training crop may hold (``[{"start_s", "end_s"}]``), is read wherever it stands; `phones` is read as the phones in
time of each word (`jam_model.words.phones_by_word`), `part_styles` with the parts in the sample's JSON (`jam_model.part_styles`),
`beats_s` as seconds in order.
"""
MAX_OWN_SYMBOLS = 1 << 12
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SHARD_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\.tar")
_ENTRY = {"name": str, "sha256": str, "bytes": int}


@dataclass(frozen=True)
class Place:
    """Where a sample lies: members as suffix -> (offset, size) in shard number `shard`."""

    song_id: str
    shard: int
    members: Mapping[str, tuple[int, int]]


def read_index(folder: Path) -> list[dict[str, Any]]:
    """The entries of ``index.json`` (`name`, `sha256`, `bytes`, `num_samples`), in order.

    Raises:
        ValueError: there is no index, or a name in it is not a plain shard name.
    """
    path = folder / INDEX_NAME
    if not path.is_file():
        raise ValueError(f"{path}: no index; a folder of shards is made by `pack`")
    index = read_json(path.read_bytes(), str(path))
    entries = index.get("shards") if isinstance(index, dict) else None
    if not isinstance(entries, list) or not all(_has_form(entry) for entry in entries):
        raise ValueError(f"{path}: no list of shards with their name, sha256 and bytes; pack again")
    for entry in entries:
        if not _SHARD_NAME.fullmatch(entry["name"]):
            raise ValueError(f"{path}: shard name {entry['name']!r}; only plain names ending .tar are read")
    return entries


def symbols_of(folder: Path) -> str:
    """The symbols beyond the released table that the words of a folder's songs have, as its index states them; most have none.

    Raises:
        ValueError: there is no index, or what it states are no symbols.
    """
    index = read_json((folder / INDEX_NAME).read_bytes(), str(folder / INDEX_NAME))
    symbols = index.get("own_symbols", "") if isinstance(index, dict) else None
    if not isinstance(symbols, str) or len(symbols) > MAX_OWN_SYMBOLS:
        raise ValueError(f"{folder / INDEX_NAME}: own_symbols are no symbols; pack again")
    return symbols


def id_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of an id list: `id`, and `split`, `duration` (seconds) and `weight` (how often it is trained on, of 1) where they are
    told; none without a file.

    Raises:
        ValueError: a line of another form.
    """
    rows = []
    for number, line in enumerate(path.read_bytes().split(b"\n") if path.is_file() else [], start=1):
        if not line.strip():
            continue
        row = read_json(line, f"{path}:{number}")
        if not (
            isinstance(row, dict)
            and isinstance(row.get("id"), str)
            and isinstance(row.get("split", TRAIN), str)
            and isinstance(row.get("duration", 0.0), int | float)
            and isinstance(row.get("weight", 1.0), int | float)
            and 0 <= row.get("weight", 1.0) <= 1
        ):
            raise ValueError(f"{path}:{number}: not a song with its id, split and duration; pack again")
        rows.append(row)
    return rows


def weights_in(folder: Path) -> dict[str, float]:
    """How often songs of a folder of shards are trained on, of 1, by id, as its id list tells it; empty where all count alike."""
    return {row["id"]: float(row["weight"]) for row in id_rows(folder / IDS_NAME) if "weight" in row}


def locate(path: Path, number: int) -> list[Place]:
    """The samples of shard `number` in file order; reads tar headers only.

    Raises:
        ValueError: a member of another kind, name or size than a JAM sample has, or a sample not whole.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            found = _members(tar, path.name)
    except tarfile.TarError as error:
        raise ValueError(f"{path.name} is not a whole tar file: {error}") from error
    for song_id, members in found.items():
        kinds = sorted(SUFFIXES[suffix] for suffix in members if suffix in SUFFIXES)
        if kinds != sorted(KINDS):
            raise ValueError(
                f"{path.name}: song {song_id!r} has members {kinds}, needs one each of {sorted(KINDS)}"
            )
    return [Place(song_id, number, members) for song_id, members in found.items()]


def _members(tar: tarfile.TarFile, name: str) -> dict[str, dict[str, tuple[int, int]]]:
    """Where each song's members lie: song id -> suffix -> (offset, size)."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    end = 0
    for member in tar:
        if member.size < 0 or member.offset_data < end:
            raise ValueError(f"{name}: member {member.name!r} has a wrong size")
        end = member.offset_data
        song_id, _, suffix = member.name.partition(".")
        known = suffix in SUFFIXES or suffix in EXTRAS.values() or suffix in MEMBERS.values()
        if not member.isreg() or not SAFE_ID.fullmatch(song_id) or not known:
            raise ValueError(f"{name}: member {member.name!r} is not <id>.latent|style.pt|npy or <id>.json")
        if member.size > MAX_MEMBER_BYTES:
            raise ValueError(f"{name}: {member.name} has {member.size} bytes, limit {MAX_MEMBER_BYTES}")
        if suffix in found.setdefault(song_id, {}):
            raise ValueError(f"{name}: member {member.name!r} stands twice")
        found[song_id][suffix] = (member.offset_data, member.size)
    return found


def read_json(data: Buffer, name: str) -> Any:
    """JSON of any form.

    Raises:
        ValueError: it is none, or nested beyond reason.
    """
    try:
        return json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from error


def _has_form(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in _ENTRY.items())
