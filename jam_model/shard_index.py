"""What lies beside the shards of a folder: ``index.json`` (the shards) and ``ids.jsonl`` (their songs).

A stranger may have written them, so their form is checked before a name in them is used.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jam_model.tensors import Buffer

INDEX_NAME = "index.json"
IDS_NAME = "ids.jsonl"
TRAIN, VALIDATION = "train", "validation"
_SHARD_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\.tar")
_ENTRY = {"name": str, "sha256": str, "bytes": int}


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


def read_ids(folder: Path) -> dict[str, str]:
    """Song id -> split from ``ids.jsonl``; empty where there is no such file (then every song is for training).

    Raises:
        ValueError: a line of it is of another form.
    """
    return {row["id"]: row.get("split", TRAIN) for row in id_rows(folder / IDS_NAME)}


def id_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of an id list: `id`, and `split` and `duration` (seconds) where they are told.

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
        ):
            raise ValueError(f"{path}:{number}: not a song with its id, split and duration; pack again")
        rows.append(row)
    return rows


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
